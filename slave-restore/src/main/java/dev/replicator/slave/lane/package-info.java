/**
 * Lanes: sequences of target transactions with one position each (docs/architecture.md, "Lanes"; rules R10, R11, R14, R23).
 *
 * <p>Reading order: {@link dev.replicator.slave.lane.LaneRules} (which change is applied by whom), {@link
 * dev.replicator.slave.lane.Lane} (the loop), {@code LaneStream} and {@code RecordDecoder} (from the forwarder to {@code Intake}), {@code
 * BatchTransaction} (one target transaction), {@code HandOver} and {@link dev.replicator.slave.lane.LaneBoard} (how a
 * side lane joins the main lane). Each lane has two threads: one decodes, one talks to the database.
 */
package dev.replicator.slave.lane;
