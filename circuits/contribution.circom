pragma circom 2.2.0;

include "circomlib/circuits/bitify.circom";
include "poseidon.circom";

// Docs: docs/protocol.md, "Proof of contribution". The same arithmetic in TypeScript is in shared/contribution/.

// Each tag is its label's ASCII bytes as one big-endian number.
function TAG_ID() { // "hourglass contribution id 1"
    return 42962225839345001863998254170670425680122287541094943842061525041;
}

function TAG_LEAF() { // "hourglass contribution leaf 1"
    return 2815572432607314042158989585329057017372494236293198239636648028938289;
}

function TAG_USE() { // "hourglass contribution use 1"
    return 10998329814872320477183553067691628974111305610520305623619546193969;
}

// commitment = Poseidon2(TAG_ID, secret)
template Commitment() {
    signal input secret;
    signal output commitment;

    commitment <== Poseidon(2)([TAG_ID(), secret]);
}

// leaf = Poseidon3(TAG_LEAF, commitment, score)
template Leaf() {
    signal input commitment;
    signal input score;
    signal output leaf;

    leaf <== Poseidon(3)([TAG_LEAF(), commitment, score]);
}

// nullifier = Poseidon4(TAG_USE, secret, epoch, scope)
template Nullifier() {
    signal input secret;
    signal input epoch;
    signal input scope;
    signal output nullifier;

    nullifier <== Poseidon(4)([TAG_USE(), secret, epoch, scope]);
}

// Constrains threshold, score and score - threshold to nBits bits each. The last is what compares: a negative
// difference is a number next to the field's order. The others keep that from being reached by numbers that wrap.
template AtLeast(nBits) {
    signal input score;
    signal input threshold;

    _ <== Num2Bits(nBits)(score);
    _ <== Num2Bits(nBits)(threshold);
    _ <== Num2Bits(nBits)(score - threshold);
}

// Which of four places two bits name, as four signals of which one is 1. Sound for bits alone: the caller constrains
// them to be such.
template OneHot4() {
    signal input low;
    signal input high;
    signal output at[4];

    at[3] <== low * high;
    at[2] <== high - at[3];
    at[1] <== low - at[3];
    at[0] <== 1 - low - high + at[3];
}

// One level of the tree: `node` stands among its three siblings at the place that `at` marks, and the four are hashed.
template Parent4() {
    signal input node;
    signal input siblings[3];
    signal input at[4];
    signal output parent;

    // What stands at a place: the node there, before it the sibling of the same number, after it the one before.
    signal children[4];
    children[0] <== siblings[0] + at[0] * (node - siblings[0]);
    signal before1 <== at[0] * (siblings[0] - siblings[1]);
    children[1] <== siblings[1] + before1 + at[1] * (node - siblings[1]);
    signal before2 <== (at[0] + at[1]) * (siblings[1] - siblings[2]);
    children[2] <== siblings[2] + before2 + at[2] * (node - siblings[2]);
    children[3] <== siblings[2] + at[3] * (node - siblings[2]);

    parent <== Poseidon(4)(children);
}

// The root over `leaf` at place `index`, of whose base-4 digits the lowest belongs to the leaves.
template Root4(depth) {
    signal input leaf;
    signal input index;
    signal input siblings[depth][3];
    signal output root;

    // Constrains each bit to 0 or 1 and their sum to the index. Without that a prover could choose what is not a
    // place, and any leaf at all would be a member.
    signal bits[2 * depth] <== Num2Bits(2 * depth)(index);

    signal at[depth][4];
    signal nodes[depth + 1];
    nodes[0] <== leaf;
    for (var level = 0; level < depth; level++) {
        at[level] <== OneHot4()(bits[2 * level], bits[2 * level + 1]);
        nodes[level + 1] <== Parent4()(nodes[level], siblings[level], at[level]);
    }
    root <== nodes[depth];
}

// "I hold the secret of a leaf under `root` whose score is at least `threshold`; `nullifier` is my only one for this
// epoch and scope; and this proof goes with what `signalHash` stands for."
template Contribution(depth, scoreBits) {
    signal input secret;
    signal input score;
    signal input index;
    signal input siblings[depth][3];

    signal input root;
    signal input epoch;
    signal input scope;
    signal input threshold;
    signal input signalHash;

    signal output nullifier;

    signal commitment <== Commitment()(secret);
    signal leaf <== Leaf()(commitment, score);
    signal computed <== Root4(depth)(leaf, index, siblings);
    root === computed;

    AtLeast(scoreBits)(score, threshold);

    nullifier <== Nullifier()(secret, epoch, scope);

    // An input in no constraint could be swapped in a finished proof.
    signal bound <== signalHash * signalHash;
}

component main { public [root, epoch, scope, threshold, signalHash] } = Contribution(8, 32);
