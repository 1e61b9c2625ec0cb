/**
 * What every daemon and command needs: errors with exit codes, life cycle and signals, waiting, metrics and health.
 *
 * <p>Start with {@link dev.replicator.runtime.DaemonMain}. Configuration is in {@code config}, gRPC in {@code net},
 * output for people in {@code cli}.
 */
package dev.replicator.runtime;
