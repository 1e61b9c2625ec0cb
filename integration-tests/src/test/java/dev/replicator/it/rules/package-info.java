/**
 * The rules of {@code docs/correctness.md}, each interleaving driven step by step on real servers and the real daemons in
 * this process. One class per rule, named for it; {@link dev.replicator.it.rules.Stage} sets the scene.
 */
package dev.replicator.it.rules;
