package dev.replicator.dumps;

import java.util.Objects;

/**
 * One chunk of a dump: a line of the ledger.
 *
 * @param number counts from 1 within the dump
 * @param rows rows in it
 * @param rawBytes size of its COPY text
 * @param storedBytes size of its file, which is the COPY text compressed with zstd
 * @param crc32c CRC-32C of the file, unsigned
 * @param range what of the table it holds, for people
 */
public record ChunkEntry(int number, long rows, long rawBytes, long storedBytes, long crc32c, String range) {

    public ChunkEntry {
        Objects.requireNonNull(range, "range");
        if (number < 1 || rows < 0 || rawBytes < 0 || storedBytes < 0 || crc32c < 0) {
            throw new IllegalArgumentException("chunk entry with a value out of range: number " + number);
        }
    }

    /** One line of JSON without a line break. */
    public String toJson() {
        return DumpJson.write(this);
    }

    /**
     * Reads {@link #toJson}.
     *
     * @throws IllegalArgumentException when the text is not a chunk entry
     */
    public static ChunkEntry fromJson(String json) {
        return DumpJson.read(json, ChunkEntry.class);
    }
}
