/**
 * The bytes of one record: header, blocks, Avro changes. {@code docs/format/transaction-file-v1.md} has the byte tables
 * and rules; frozen samples under {@code src/test/resources/frozen} hold the format in place.
 *
 * <p>Readers and writers are not safe for use by several threads.
 */
package dev.replicator.queue.format;
