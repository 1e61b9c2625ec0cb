package dev.replicator.launcher.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Map;
import org.junit.jupiter.api.Test;

class InitialSyncTest {
    @Test
    void tablesHaveTheRowsThatWereAskedForTogether() {
        CopyTables tables = new CopyTables(1_013);

        assertEquals(
                1_013,
                tables.qualified().stream()
                        .mapToLong(table -> tables.rowsOf(table.substring("public.".length())))
                        .sum());
        assertEquals(151, tables.rowsOf("customers"));
        assertEquals(50, tables.rowsOf("products"));
    }

    @Test
    void tooFewRowsAreRefused() {
        assertThrows(IllegalArgumentException.class, () -> new CopyTables(99));
    }

    @Test
    void onlyDumpsThatWereMadeMeanwhileCount() {
        assertEquals(7, InitialSync.newBytes(Map.of("d-1", 5L, "d-2", 3L), Map.of("d-2", 3L, "d-3", 7L)));
        assertEquals(0, InitialSync.newBytes(Map.of("d-1", 5L), Map.of("d-1", 5L)));
    }

    @Test
    void oneSlaveIsMeasuredMoreOftenThanMany() {
        assertEquals(3, InitialSyncCommand.defaultPairs(1));
        assertEquals(1, InitialSyncCommand.defaultPairs(4));
    }
}
