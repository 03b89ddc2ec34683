pragma circom 2.2.0;

include "circomlib/circuits/poseidon_constants.circom";

// The same hash as circomlib's template of this name, out of its constants (https://eprint.iacr.org/2019/458, appendix B),
// for a compiler that leaves linear constraints alone (--O1). The state is kept as linear combinations and not as signals,
// so that the S-boxes are nearly all of the constraints. Where one element alone goes through the S-box, combinations grow
// by a term each round, and what a prover does for a constraint grows with its terms: every `span` of these rounds the
// state becomes signals again.
template Poseidon(nInputs) {
    signal input inputs[nInputs];
    signal output out;

    var PARTIAL_ROUNDS[16] = [56, 57, 56, 60, 60, 63, 64, 63, 60, 66, 60, 65, 70, 60, 64, 68];
    var t = nInputs + 1;
    var half = 4;
    var partial = PARTIAL_ROUNDS[t - 2];
    var span = 20;

    var C[2 * half * t + partial] = POSEIDON_C(t);
    var S[partial * (2 * t - 1)] = POSEIDON_S(t);
    var M[t][t] = POSEIDON_M(t);
    var P[t][t] = POSEIDON_P(t);

    signal before[half][t][3];
    signal between[partial][3];
    signal kept[partial \ span][t];
    signal after[half][t][3];

    var state[t];
    var mixed[t];
    state[0] = C[0];
    for (var i = 1; i < t; i++) state[i] = inputs[i - 1] + C[i];

    for (var round = 0; round < half; round++) {
        for (var i = 0; i < t; i++) {
            before[round][i][0] <== state[i] * state[i];
            before[round][i][1] <== before[round][i][0] * before[round][i][0];
            before[round][i][2] <== (before[round][i][1] + 1) * state[i] - state[i];
        }
        for (var i = 0; i < t; i++) {
            state[i] = 0;
            for (var j = 0; j < t; j++) {
                var factor = round == half - 1 ? P[j][i] : M[j][i];
                state[i] += factor * (before[round][j][2] + C[(round + 1) * t + j]);
            }
        }
    }

    for (var round = 0; round < partial; round++) {
        var s = (2 * t - 1) * round;
        between[round][0] <== state[0] * state[0];
        between[round][1] <== between[round][0] * between[round][0];
        between[round][2] <== (between[round][1] + 1) * state[0] - state[0];
        var first = between[round][2] + C[(half + 1) * t + round];
        state[0] = S[s] * first;
        for (var i = 1; i < t; i++) {
            state[0] += S[s + i] * state[i];
            state[i] += S[s + t + i - 1] * first;
        }
        if (round % span == span - 1) {
            for (var i = 0; i < t; i++) {
                kept[round \ span][i] <== state[i];
                state[i] = kept[round \ span][i];
            }
        }
    }

    for (var round = 0; round < half; round++) {
        for (var i = 0; i < t; i++) {
            after[round][i][0] <== state[i] * state[i];
            after[round][i][1] <== after[round][i][0] * after[round][i][0];
            after[round][i][2] <== (after[round][i][1] + 1) * state[i] - state[i];
        }
        for (var i = 0; i < t; i++) {
            state[i] = 0;
            for (var j = 0; j < t; j++) {
                state[i] += M[j][i] * after[round][j][2];
                if (round < half - 1) state[i] += M[j][i] * C[(half + 1 + round) * t + partial + j];
            }
        }
    }
    out <== state[0];
}
