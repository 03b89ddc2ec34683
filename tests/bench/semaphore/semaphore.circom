pragma circom 2.2.0;

include "@semaphore-protocol/circuits/src/semaphore.circom";

// For as many members as a tree of ours has leaves.
component main { public [message, scope] } = Semaphore(16);
