package dev.replicator.slave.netting;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.queue.TableName;
import java.util.Set;
import org.junit.jupiter.api.Test;

class FallbackMemoryTest {
    private static final Set<TableName> TABLE = Set.of(new TableName("public", "t"));
    private static final Set<TableName> OTHER = Set.of(new TableName("public", "u"));
    private final FallbackMemory memory = new FallbackMemory();

    @Test
    void shouldKeepOnlyTheTableSlowWithGrowingPause() {
        memory.fellBack(TABLE);
        assertFalse(memory.slow(OTHER.iterator().next()));
        int first = slowBatches();
        memory.fellBack(TABLE);
        assertEquals(2 * first, slowBatches());
    }

    @Test
    void shouldForgetAfterAsManyGoodBatches() {
        memory.fellBack(TABLE);
        int pause = slowBatches();
        for (int i = 0; i < pause; i++) {
            memory.batchCommitted(TABLE);
        }
        memory.fellBack(TABLE);
        assertEquals(pause, slowBatches());
    }

    @Test
    void shouldNotCountBatchesWithoutTheTable() {
        memory.fellBack(TABLE);
        for (int i = 0; i < 100; i++) {
            memory.batchCommitted(OTHER);
        }
        assertTrue(memory.slow(TABLE.iterator().next()));
    }

    private int slowBatches() {
        int batches = 0;
        while (memory.slow(TABLE.iterator().next())) {
            memory.batchCommitted(TABLE);
            batches++;
        }
        return batches;
    }
}
