package dev.replicator.queue;

/**
 * One change of one table. Images are indexed like {@link TableSchema#columns()}; an element is null (SQL NULL), {@link
 * Unchanged#UNCHANGED}, or of the class its {@link ValueEncoding} names. The arrays are owned by the receiver.
 *
 * @param kind what happened
 * @param before old image or null, see {@link ChangeKind}
 * @param after new image or null
 */
@SuppressWarnings("ArrayRecordComponent")
public record RowChange(ChangeKind kind, Object[] before, Object[] after) {}
