/**
 * Real database servers in process trees of their own, for the demo, the benchmarks and the tests.
 *
 * <p>{@link dev.replicator.embedded.EmbeddedPostgres} is the way in; {@link dev.replicator.embedded.Await} waits for what
 * a server or a daemon does in its own time.
 */
package dev.replicator.embedded;
