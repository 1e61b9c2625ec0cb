/**
 * {@code replicator bench}: the same work done by PostgreSQL's own logical replication and by Replicator, in turn, on
 * the same servers with the same durability, so that a figure is always a ratio of one run.
 */
package dev.replicator.launcher.bench;
