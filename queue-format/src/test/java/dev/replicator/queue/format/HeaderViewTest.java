package dev.replicator.queue.format;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.queue.Epoch;
import dev.replicator.queue.Position;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class HeaderViewTest {
    private static final RecordHeader HEADER = new RecordHeader(
            RecordKind.TRANSACTION,
            0,
            3,
            new Position(new Epoch(2, new UUID(7, 8)), 41, 0xF000_0000_0000_0001L),
            99,
            1_700_000_000_000_000L,
            5,
            "gtid:1",
            List.of(new TableShare(16_401, 3, 100), new TableShare(16_407, 2, 60)));

    private final HeaderView view = new HeaderView();

    @Test
    void shouldTellWhatTheDecodedHeaderTells() {
        ByteBuffer image = shifted(HEADER);

        assertTrue(view.at(image));

        assertTrue(view.isTransaction());
        assertEquals(41, view.seq());
        assertEquals(HEADER.lsn(), view.lsn());
        assertEquals(HEADER.headerLength(), view.headerLength());
        assertEquals(HEADER.totalLength(), view.totalLength());
        assertTrue(view.concernsAny(Set.of(16_407, 1)));
        assertFalse(view.concernsAny(Set.of(16_402)));
        assertFalse(view.concernsAny(Set.of()));
        assertEquals(9, image.position());
    }

    @Test
    void shouldSeeEveryDamagedByte() {
        for (int at = RecordHeader.LENGTH_PREFIX; at < HEADER.headerLength(); at++) {
            ByteBuffer image = shifted(HEADER);
            int place = image.position() + at;
            image.put(place, (byte) (image.get(place) ^ 0x10));

            assertFalse(view.at(image), "byte " + at);
        }
    }

    @Test
    void shouldTellOtherKindsFromTransactions() throws Exception {
        assertTrue(view.at(ControlRecords.heartbeat(HEADER.position(), 1)));

        assertFalse(view.isTransaction());
    }

    /** Not at the array's beginning, as in a reader's window. */
    private static ByteBuffer shifted(RecordHeader header) {
        ByteBuffer whole = ByteBuffer.allocate(header.headerLength() + 12);
        header.encode(whole.position(9));
        return whole.position(9);
    }
}
