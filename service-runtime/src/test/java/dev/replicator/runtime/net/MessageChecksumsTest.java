package dev.replicator.runtime.net;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Codec;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

final class MessageChecksumsTest {
    private static final byte[] MESSAGE = "a position decides what may be deleted".getBytes(StandardCharsets.US_ASCII);

    private final Codec codec = codec();

    private static Codec codec() {
        return (Codec) MessageChecksums.writing().lookupCompressor("crc32c");
    }

    @Test
    void shouldGiveBackWhatWasSent() throws IOException {
        assertArrayEquals(MESSAGE, read(written(MESSAGE)));
        assertArrayEquals(new byte[0], read(written(new byte[0])));
    }

    @Test
    void shouldFindEveryFlippedBit() throws IOException {
        byte[] sent = written(MESSAGE);
        for (int bit = 0; bit < sent.length * Byte.SIZE; bit++) {
            byte[] damaged = sent.clone();
            damaged[bit / Byte.SIZE] ^= (byte) (1 << bit % Byte.SIZE);
            IOException found = assertThrows(IOException.class, () -> read(damaged), "bit " + bit);
            assertTrue(found.getMessage().contains("CRC32C"), found.getMessage());
        }
    }

    @Test
    void shouldFindAMessageThatIsCut() throws IOException {
        byte[] sent = written(MESSAGE);
        for (int length = 0; length < sent.length; length++) {
            byte[] cut = java.util.Arrays.copyOf(sent, length);
            assertThrows(IOException.class, () -> read(cut), "cut to " + length);
        }
    }

    @Test
    void shouldNotLookLikeAMessageThatIsNotEncoded() throws IOException {
        assertEquals(0, written(MESSAGE)[0], "a tag of zero does not parse");
    }

    private byte[] written(byte[] message) throws IOException {
        ByteArrayOutputStream wire = new ByteArrayOutputStream();
        try (OutputStream out = codec.compress(wire)) {
            out.write(message, 0, message.length / 2);
            for (int i = message.length / 2; i < message.length; i++) {
                out.write(message[i]);
            }
        }
        return wire.toByteArray();
    }

    private byte[] read(byte[] wire) throws IOException {
        return codec.decompress(new ByteArrayInputStream(wire)).readAllBytes();
    }
}
