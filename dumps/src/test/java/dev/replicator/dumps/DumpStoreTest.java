package dev.replicator.dumps;

import static dev.replicator.dumps.DumpFixtures.draft;
import static dev.replicator.dumps.DumpFixtures.text;
import static dev.replicator.dumps.DumpFixtures.writeChunk;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class DumpStoreTest {
    @TempDir
    private Path directory;

    @Test
    void shouldGiveBackRowsAndSumsOfACompleteDump() throws IOException {
        try (DumpStore store = DumpStore.open(directory)) {
            StoredDump dump = store.create(draft("d-1"));
            writeChunk(dump, "1\ta", "2\tb");
            ChunkEntry second = writeChunk(dump, "3\tc");
            DumpManifest manifest = dump.complete();

            assertEquals(DumpState.COMPLETE, manifest.state());
            assertEquals(3, manifest.rows());
            assertEquals("1\ta\n2\tb\n".length() + "3\tc\n".length(), manifest.rawBytes());
            assertEquals(2, second.number());
            assertEquals("1\ta\n2\tb\n", text(dump, 1));
            assertEquals(manifest.storedBytes(), store.sizeBytes());
        }
        try (DumpStore store = DumpStore.open(directory)) {
            StoredDump dump = store.find("d-1").orElseThrow();
            assertEquals(DumpState.COMPLETE, dump.state());
            assertEquals("3\tc\n", text(dump, 2));
            assertThrows(IOException.class, () -> dump.begin("more"));
        }
    }

    @Test
    void shouldResumeARunningDumpWithTheChunksOfItsLedger() throws IOException {
        try (DumpStore store = DumpStore.open(directory)) {
            StoredDump dump = store.create(draft("d-1"));
            writeChunk(dump, "1");
            writeChunk(dump, "2");
        }
        Path home = directory.resolve("d-1");
        Files.writeString(home.resolve(Ledger.FILE), "{\"number\":3,\"ro", StandardOpenOption.APPEND);
        Files.writeString(home.resolve("chunk-000003.zst"), "half");
        Files.writeString(home.resolve("chunk-000004.zst.9.part"), "half");
        try (DumpStore store = DumpStore.open(directory)) {
            StoredDump dump = store.find("d-1").orElseThrow();
            assertEquals(Set.of(1, 2), dump.chunkNumbers());
            assertEquals(3, writeChunk(dump, "3").number());
            dump.complete();
            assertEquals(
                    List.of("chunk-000001.zst", "chunk-000002.zst", "chunk-000003.zst", "manifest.json"), files(home));
        }
    }

    @Test
    void shouldLeaveNoTraceOfAChunkThatWasGivenUp() throws IOException {
        try (DumpStore store = DumpStore.open(directory)) {
            StoredDump dump = store.create(draft("d-1"));
            try (ChunkWriter chunk = dump.begin("half")) {
                chunk.writeRow("1\n".getBytes(StandardCharsets.UTF_8));
            }
            assertEquals(List.of(), dump.chunks());
            assertEquals(List.of(Ledger.FILE, "manifest.json"), files(dump.directory()));
        }
    }

    @Test
    void shouldReceiveChunksInAnyOrderAndCompleteOnlyWithAllOfThem(@TempDir Path other) throws IOException {
        try (DumpStore source = DumpStore.open(directory);
                DumpStore target = DumpStore.open(other)) {
            StoredDump sent = source.create(draft("d-1"));
            ChunkEntry first = writeChunk(sent, "1");
            ChunkEntry second = writeChunk(sent, "2");
            StoredDump received = target.create(sent.manifest());
            sent.complete();

            copy(sent, received, second);
            assertThrows(IOException.class, () -> received.complete(sent.manifest()));
            copy(sent, received, first);
            copy(sent, received, first);
            received.complete(DumpManifest.fromJson(sent.manifest().toJson()));
            received.complete(sent.manifest());

            assertEquals(sent.manifest(), received.manifest());
            assertEquals("2\n", text(received, 2));
        }
    }

    @Test
    void shouldRefuseAChunkThatArrivesDamagedOrTooLong(@TempDir Path other) throws IOException {
        try (DumpStore source = DumpStore.open(directory);
                DumpStore target = DumpStore.open(other)) {
            StoredDump sent = source.create(draft("d-1"));
            ChunkEntry entry = writeChunk(sent, "1");
            StoredDump received = target.create(sent.manifest());
            byte[] bytes = sent.openStored(1).readAllBytes();
            bytes[bytes.length - 1] ^= 1;
            try (ChunkReceiver receiver = received.receive(entry)) {
                receiver.write(ByteBuffer.wrap(bytes));
                assertThrows(IOException.class, receiver::finish);
            }
            try (ChunkReceiver receiver = received.receive(entry)) {
                receiver.write(ByteBuffer.wrap(bytes));
                assertThrows(IOException.class, () -> receiver.write(ByteBuffer.wrap(new byte[1])));
            }
            assertEquals(List.of(), received.chunks());
        }
    }

    @Test
    void shouldNameTheFileOfADamagedChunk() throws IOException {
        try (DumpStore store = DumpStore.open(directory)) {
            StoredDump dump = store.create(draft("d-1"));
            writeChunk(dump, "1");
            Path file = dump.directory().resolve("chunk-000001.zst");
            byte[] bytes = Files.readAllBytes(file);
            bytes[bytes.length / 2] ^= 4;
            Files.write(file, bytes);
            CorruptDumpException damage = assertThrows(CorruptDumpException.class, () -> dump.openText(1));
            assertEquals(file, damage.file());
            assertTrue(damage.getMessage().contains("drop this dump"), damage.getMessage());
        }
    }

    @Test
    void shouldOpenBesideDamagedDumpsAndReportThem() throws IOException {
        try (DumpStore store = DumpStore.open(directory)) {
            for (String id : List.of("d-1", "d-2", "d-3", "d-4")) {
                writeChunk(store.create(draft(id)), "1");
            }
            store.find("d-2").orElseThrow().complete();
        }
        Files.writeString(directory.resolve("d-1/manifest.json"), "{");
        Files.delete(directory.resolve("d-2/chunk-000001.zst"));
        Files.writeString(directory.resolve("d-3/ledger.jsonl"), "{}\n");
        try (DumpStore store = DumpStore.open(directory)) {
            assertEquals(
                    List.of("d-4"), store.list().stream().map(StoredDump::id).toList());
            assertEquals(3, store.damaged().size());
            assertTrue(store.damaged().get(1).reason().contains("d-2/chunk-000001.zst"));
            assertTrue(store.delete("d-2"));
            assertFalse(Files.exists(directory.resolve("d-2")));
            assertEquals(2, store.damaged().size());
        }
    }

    @Test
    void shouldFreeTheChunksOfAFailedDumpAndKeepTheReason() throws IOException {
        try (DumpStore store = DumpStore.open(directory)) {
            StoredDump dump = store.create(draft("d-1"));
            writeChunk(dump, "1");
            dump.fail("snapshot lost", true);
            assertEquals(0, store.sizeBytes());
        }
        try (DumpStore store = DumpStore.open(directory)) {
            StoredDump dump = store.find("d-1").orElseThrow();
            assertEquals("snapshot lost", dump.manifest().error());
            assertEquals(List.of("manifest.json"), files(dump.directory()));
            assertTrue(store.delete("d-1"));
            assertFalse(store.delete("d-1"));
        }
    }

    @Test
    void shouldWakeWhoWaitsForTheNextChunk() throws Exception {
        try (DumpStore store = DumpStore.open(directory)) {
            StoredDump dump = store.create(draft("d-1"));
            assertFalse(dump.awaitChange(0, Duration.ofMillis(1)));
            CompletableFuture<Boolean> waiter = CompletableFuture.supplyAsync(() -> {
                try {
                    return dump.awaitChange(0, Duration.ofSeconds(30));
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            });
            writeChunk(dump, "1");
            assertTrue(waiter.get(10, TimeUnit.SECONDS));
            dump.complete();
            assertTrue(dump.awaitChange(1, Duration.ofSeconds(30)));
        }
    }

    @Test
    void shouldRefuseASecondUserOfTheDirectory() throws IOException {
        try (DumpStore store = DumpStore.open(directory)) {
            IOException refused = assertThrows(IOException.class, () -> DumpStore.open(directory));
            assertTrue(refused.getMessage().contains("lock"), refused.getMessage());
            assertEquals(directory, store.directory());
        }
        DumpStore.open(directory).close();
    }

    private static void copy(StoredDump from, StoredDump to, ChunkEntry entry) throws IOException {
        try (ChunkReceiver receiver = to.receive(ChunkEntry.fromJson(entry.toJson()))) {
            receiver.write(ByteBuffer.wrap(from.openStored(entry.number()).readAllBytes()));
            receiver.finish();
        }
    }

    private static List<String> files(Path directory) throws IOException {
        try (Stream<Path> list = Files.list(directory)) {
            return list.map(path -> path.getFileName().toString()).sorted().toList();
        }
    }
}
