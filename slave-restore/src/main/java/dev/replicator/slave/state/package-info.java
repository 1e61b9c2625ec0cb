/**
 * What a slave knows about itself, kept in schema {@code replicator} of its own database (rules R10, R11).
 *
 * <p>Reading order: {@link dev.replicator.slave.state.TableState} (a table and the lane that applies its changes), {@link
 * dev.replicator.slave.state.Restore} (a copy of a table on its way), {@link dev.replicator.slave.state.LanePosition}, then
 * {@link dev.replicator.slave.state.StateSchema} (the tables). Every step of a table's life is one SQL transaction over these rows, so a
 * daemon that starts anew needs nothing else. Classes with a {@code Connection} argument join the caller's transaction and never commit.
 */
package dev.replicator.slave.state;
