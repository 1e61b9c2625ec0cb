/**
 * The vocabulary that every part of Replicator shares: tables, epochs, positions, changes.
 *
 * <p>Reading order: {@link dev.replicator.queue.Position}, {@link dev.replicator.queue.TableSchema}, {@link
 * dev.replicator.queue.RowChange}, then the packages {@code format} (bytes of one record), {@code store} (the queue on
 * disk) and {@code wire} (what the daemons say to each other). Everything here is immutable and safe to share between
 * threads. No JDBC, no Debezium: this module is a leaf.
 */
package dev.replicator.queue;
