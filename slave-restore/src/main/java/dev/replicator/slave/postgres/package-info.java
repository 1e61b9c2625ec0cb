/**
 * Applies changes to a PostgreSQL database. Reading order: {@code TargetSession} (what every session pins), {@code
 * TargetCatalog} and {@code TargetTable} (what the database says about a table), {@code TableBinding} (how the stream's
 * columns meet the table's), {@code BatchApplier} (the fast path: netted and set-based) and {@code RowApplier} (careful
 * mode: one change at a time in master order).
 */
package dev.replicator.slave.postgres;
