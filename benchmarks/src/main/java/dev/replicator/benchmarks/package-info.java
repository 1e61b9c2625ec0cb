/** Micro-benchmarks of the transaction codec and the queue, and what they work on. CONTRIBUTING.md says how to run them. */
package dev.replicator.benchmarks;
