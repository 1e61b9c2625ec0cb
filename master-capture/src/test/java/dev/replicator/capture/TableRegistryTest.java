package dev.replicator.capture;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.queue.CatalogFacts;
import dev.replicator.queue.ColumnSchema;
import dev.replicator.queue.TableName;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.ValueEncoding;
import dev.replicator.queue.format.TableSchemas;
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

    /** The registry's disk is an older one: what it would call incarnation 3 is another one to the forwarder. */
    @Test
    void r07ShouldLetATableJoinAnewWhoseIncarnationTheForwarderHasSeenGoFurther() throws IOException {
        TableName orders = new TableName("public", "orders");

        assertEquals(List.of(), registry.overtakenBy(List.of(schema(2))));
        assertTrue(registry.isCaptured(TABLE, 2));

        assertEquals(List.of(orders), registry.overtakenBy(List.of(schema(4))));
        assertFalse(registry.isCaptured(TABLE, 2));
        assertEquals(5, registry.nextIncarnation(TABLE, orders));
    }

    @Test
    void r07ShouldCountFromWhatTheForwarderKnowsOfATableThatIsNotKnownHere() throws IOException {
        registry.remove(TABLE);

        assertEquals(List.of(), registry.overtakenBy(List.of(schema(4))));
        assertEquals(5, registry.nextIncarnation(TABLE, new TableName("public", "orders")));
    }

    /** The forwarder's word comes while the watcher is between announcing a table and noting that it is published. */
    @Test
    void r07ShouldNotNoteATableAsPublishedInAnIncarnationThatWasOvertaken() throws IOException {
        registry.put(List.of(JOINED.withIncarnation(3).joined(0, List.of())));
        registry.overtakenBy(List.of(schema(4)));

        assertFalse(registry.published(TABLE, 17_001, List.of()));
        assertFalse(registry.isCaptured(TABLE, 3));
    }

    /** A master restored from a backup has forgotten transactions; dumps must not wait until it comes to their numbers again. */
    @Test
    void r01ShouldForgetWritersThatTheMasterHasNotBegunYet() throws IOException {
        registry.put(List.of(JOINED.joined(17_000, List.of(780L, 790L))));

        registry.forgetWritersFrom(790);

        assertEquals(List.of(780L), registry.find(TABLE).orElseThrow().writersAtJoin());
    }

    private static TableSchema schema(int incarnation) {
        ColumnSchema id = new ColumnSchema("id", "bigint", 20, -1, true, ValueEncoding.LONG);
        return TableSchemas.create(TABLE, new TableName("public", "orders"), incarnation, 'd', List.of(id));
    }

    @Test
    void shouldHaveNoUseForADumpFromBeforeTheTableLeftAndCameBack() throws IOException {
        registry.put(List.of(JOINED.joined(0, List.of())));
        registry.put(List.of(JOINED.withIncarnation(3).joined(17_001, List.of())));

        assertFalse(registry.isCaptured(TABLE, 2));
        assertTrue(registry.isCaptured(TABLE, 3));
    }
}
