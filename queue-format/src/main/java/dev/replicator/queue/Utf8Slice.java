package dev.replicator.queue;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * A text where it stands, as UTF-8: a part of an array that nobody writes to any more. Most texts come as bytes and leave as
 * bytes; as a {@link String} each would be checked and copied twice. Equal when the bytes are.
 */
public final class Utf8Slice {
    private final byte[] array;
    private final int offset;
    private final int length;
    private int hash;

    /**
     * @param array holds the text, and stays as it is
     * @param offset its first byte
     * @param length its bytes
     */
    public Utf8Slice(byte[] array, int offset, int length) {
        this.array = array;
        this.offset = offset;
        this.length = length;
    }

    /** The array that holds it; not to be written to. */
    public byte[] array() {
        return array;
    }

    /** Its first byte's place in {@link #array}. */
    public int offset() {
        return offset;
    }

    /** Bytes, not characters. */
    public int length() {
        return length;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Utf8Slice text
                && Arrays.equals(array, offset, offset + length, text.array, text.offset, text.offset + text.length);
    }

    @Override
    public int hashCode() {
        if (hash == 0) {
            int made = 1;
            for (int i = offset; i < offset + length; i++) {
                made = 31 * made + array[i];
            }
            hash = made;
        }
        return hash;
    }

    /** The text; bytes that are no UTF-8 become replacement characters. */
    @Override
    public String toString() {
        return new String(array, offset, length, StandardCharsets.UTF_8);
    }
}
