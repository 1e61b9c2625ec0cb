package dev.replicator.capture;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.queue.CatalogFacts;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TableRegistryTest {
    private static final int TABLE = 16_400;
    private static final TableFacts JOINED = new TableFacts(
            TABLE, "public", "orders", 2, 17_000, 16_400, "", Map.of(), CatalogFacts.NONE, List.of(790L));

    @TempDir
    Path directory;

    private TableRegistry registry;

    @BeforeEach
    void join() throws IOException {
        registry = TableRegistry.open(directory.resolve("tables.json"));
        registry.put(List.of(JOINED));
    }

    @Test
    void shouldKnowTheIncarnationThatIsCaptured() {
        assertTrue(registry.isCaptured(TABLE, 2));
        assertFalse(registry.isCaptured(TABLE, 1));
        assertFalse(registry.isCaptured(TABLE + 1, 1));
    }

    @Test
    void shouldHaveNoUseForADumpOfATableThatLeft() throws IOException {
        registry.put(List.of(JOINED.joined(0, List.of())));

        assertFalse(registry.isCaptured(TABLE, 2), "its writers from before the joining are forgotten");
    }

    @Test
    void shouldHaveNoUseForADumpFromBeforeTheTableLeftAndCameBack() throws IOException {
        registry.put(List.of(JOINED.joined(0, List.of())));
        registry.put(List.of(JOINED.withIncarnation(3).joined(17_001, List.of())));

        assertFalse(registry.isCaptured(TABLE, 2));
        assertTrue(registry.isCaptured(TABLE, 3));
    }
}
