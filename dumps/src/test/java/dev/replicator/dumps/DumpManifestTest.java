package dev.replicator.dumps;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

final class DumpManifestTest {
    @Test
    void shouldComeBackEqualFromJson() {
        DumpManifest draft = DumpFixtures.draft("d-000017");
        DumpManifest complete = draft.completed(List.of(
                new ChunkEntry(1, 10, 1000, 100, 4294967295L, "blocks 0-7"), new ChunkEntry(2, 5, 500, 50, 7, "rest")));
        assertEquals(draft, DumpManifest.fromJson(draft.toJson()));
        assertEquals(complete, DumpManifest.fromJson(complete.toJson()));
        assertEquals(15, complete.rows());
        assertEquals(1500, complete.rawBytes());
        assertEquals(150, complete.storedBytes());
        DumpManifest failed = draft.failed("snapshot lost", true);
        assertEquals(failed, DumpManifest.fromJson(failed.toJson()));
        assertTrue(failed.retry());
    }

    @Test
    void shouldCarryOnlyColumnsThatAreNotGenerated() {
        assertEquals(List.of("id", "note"), DumpFixtures.draft("d-1").columns());
    }

    @Test
    void shouldKeepTheSnapshotInTheBoundary() {
        DumpManifest draft = DumpFixtures.draft("d-1");
        assertTrue(draft.boundary().includes(121, 8589934594L));
        assertFalse(draft.boundary().includes(121, 8589934597L));
        assertTrue(draft.boundary().includes(120, 8589934597L));
    }

    @Test
    void shouldPassOverFieldsOfLaterVersionsButRefuseAnotherFormat() {
        String json = DumpFixtures.draft("d-1").toJson();
        assertEquals(
                DumpFixtures.draft("d-1").schema(),
                DumpManifest.fromJson(json.replaceFirst("\\{", "{\"comment\": \"new\","))
                        .schema());
        IllegalArgumentException refused = assertThrows(
                IllegalArgumentException.class,
                () -> DumpManifest.fromJson(json.replaceFirst("\"format\" : 1", "\"format\" : 2")));
        assertTrue(refused.getMessage().contains("format 2"), refused.getMessage());
    }

    @Test
    void shouldRefuseJsonThatIsNoManifest() {
        assertThrows(IllegalArgumentException.class, () -> DumpManifest.fromJson("{}"));
        assertThrows(IllegalArgumentException.class, () -> DumpManifest.fromJson("null"));
        assertThrows(IllegalArgumentException.class, () -> DumpManifest.fromJson("{\"format\""));
        String json = DumpFixtures.draft("d-1").toJson();
        assertThrows(
                IllegalArgumentException.class,
                () -> DumpManifest.fromJson(
                        json.replaceFirst("\"fingerprint\":\"[0-9a-f]+\"", "\"fingerprint\":\"1\"")));
    }

    @Test
    void shouldRefuseIdsThatLeadOutOfTheStore() {
        for (String id : List.of("..", "../x", "a/b", "", ".hidden", "a.b")) {
            assertThrows(IllegalArgumentException.class, () -> DumpFixtures.draft(id), id);
        }
    }
}
