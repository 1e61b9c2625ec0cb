/**
 * A whole replication system on this machine: real embedded database servers and the three daemons as processes of
 * their own, started through the launcher. Used by the demo, the benchmarks and the integration tests; entry class
 * {@link dev.replicator.launcher.local.LocalCluster}. Not safe for use by several threads, except where a class says so.
 */
package dev.replicator.launcher.local;
