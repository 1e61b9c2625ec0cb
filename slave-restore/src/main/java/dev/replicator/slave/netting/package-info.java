/**
 * Reduces the changes of a batch to their net effect per row. Pure: no database in here. Read {@link
 * dev.replicator.slave.netting.RowNetting} first.
 */
package dev.replicator.slave.netting;
