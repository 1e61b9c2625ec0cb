package dev.replicator.queue;

/**
 * How a column's values stand in a block and in memory. A type without a lossless Avro primitive keeps the server's own
 * text (design: the same-engine path loses nothing).
 */
public enum ValueEncoding {
    /** Avro boolean, {@link Boolean}. PostgreSQL bool. */
    BOOLEAN,
    /** Avro int, {@link Integer}. PostgreSQL int2 and int4. */
    INT,
    /** Avro long, {@link Long}. PostgreSQL int8. */
    LONG,
    /** Avro bytes, {@code byte[]}. PostgreSQL bytea. */
    BYTES,
    /** Avro string, {@link String} or {@link Utf8Slice}: the server's text. Every other type. */
    TEXT
}
