package dev.replicator.dumps;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.TreeMap;

/**
 * The chunks of a running dump, one JSON line each, appended when the chunk's file is durable. A line without its line
 * end was torn by a crash: its chunk is not held.
 */
final class Ledger implements AutoCloseable {
    static final String FILE = "ledger.jsonl";

    private final FileChannel channel;
    private boolean failed;

    private Ledger(FileChannel channel) {
        this.channel = channel;
    }

    /**
     * Opens the ledger of a directory, cutting a torn last line.
     *
     * @param entries receives what it holds
     */
    static Ledger open(Path directory, Map<Integer, ChunkEntry> entries) throws IOException {
        Path file = directory.resolve(FILE);
        long whole = 0;
        if (Files.exists(file)) {
            String text = Files.readString(file, StandardCharsets.UTF_8);
            String complete = text.substring(0, text.lastIndexOf('\n') + 1);
            entries.putAll(parse(file, complete));
            whole = complete.getBytes(StandardCharsets.UTF_8).length;
        }
        FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        channel.truncate(whole);
        channel.position(whole);
        return new Ledger(channel);
    }

    private static Map<Integer, ChunkEntry> parse(Path file, String text) throws CorruptDumpException {
        Map<Integer, ChunkEntry> entries = new TreeMap<>();
        int number = 0;
        for (String line : text.lines().toList()) {
            number++;
            try {
                ChunkEntry entry = ChunkEntry.fromJson(line);
                entries.put(entry.number(), entry);
            } catch (IllegalArgumentException e) {
                throw new CorruptDumpException(file, "line " + number + " is not a chunk entry", e);
            }
        }
        return entries;
    }

    void append(ChunkEntry entry) throws IOException {
        if (failed) {
            throw new IOException("the ledger could not be written before; the dump has to be made again");
        }
        failed = true;
        Durably.writeFully(channel, entry.toJson() + "\n");
        channel.force(true);
        failed = false;
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
