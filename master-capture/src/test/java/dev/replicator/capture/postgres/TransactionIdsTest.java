package dev.replicator.capture.postgres;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

/** Rule R13: the stream's xid has 32 bits, the snapshot's 64. */
class TransactionIdsTest {
    @Test
    void r13ShouldExtendToTheNearestFullIdOnBothSidesOfAWrap() {
        TransactionIds ids = new TransactionIds();
        ids.observe(4_294_967_300L);
        assertEquals(4_294_967_316L, ids.extend(20));
        assertEquals(4_294_967_290L, ids.extend((int) 4_294_967_290L));
        TransactionIds before = new TransactionIds();
        before.observe(4_294_967_280L);
        assertEquals(4_294_967_316L, before.extend(20));
        assertEquals(700, extended(800, 700));
        assertEquals(3_000_000_000L, extended(2_900_000_000L, (int) 3_000_000_000L));
    }

    @Test
    void shouldNeverGoBackAndRefuseToGuess() {
        TransactionIds ids = new TransactionIds();
        assertThrows(IllegalStateException.class, () -> ids.extend(5));
        ids.observe(9_000_000_000L);
        ids.observe(5);
        assertEquals(9_000_000_001L, ids.extend((int) 9_000_000_001L));
    }

    private static long extended(long known, int id) {
        TransactionIds ids = new TransactionIds();
        ids.observe(known);
        return ids.extend(id);
    }
}
