package dev.replicator.forwarder;

import com.google.protobuf.ByteString;
import dev.replicator.dumps.ChunkEntry;
import dev.replicator.dumps.CorruptDumpException;
import dev.replicator.dumps.StoredDump;
import dev.replicator.queue.wire.DumpChunkStart;
import dev.replicator.queue.wire.DumpPart;
import io.grpc.Status;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.Collection;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends one dump to one slave, chunk by chunk, also while it still arrives; ends with the manifest once the dump is
 * complete, or with the reason why it never will be. One thread.
 */
final class DumpFetch implements Runnable, Slave.Stream {
    private static final Logger LOG = LoggerFactory.getLogger(DumpFetch.class);
    private static final int SLICE_BYTES = 128 << 10;
    private static final Duration WAIT = Duration.ofMillis(200);

    private final DumpCatalog catalog;
    private final DumpEntry entry;
    private final Slave slave;
    private final ReadyGate<DumpPart> gate;
    private final BooleanSupplier granted;
    private final Set<Integer> sent;
    private boolean draftSent;

    /**
     * @param held chunks the slave has
     * @param granted whether the slave may have the table; asked before each chunk, because a reload may end it (R24)
     */
    DumpFetch(
            DumpCatalog catalog,
            DumpEntry entry,
            Slave slave,
            Collection<Integer> held,
            BooleanSupplier granted,
            ReadyGate<DumpPart> gate) {
        this.catalog = catalog;
        this.entry = entry;
        this.slave = slave;
        this.sent = new HashSet<>(held);
        this.granted = granted;
        this.gate = gate;
    }

    @Override
    public void supersede() {
        gate.fail(Status.ABORTED.withDescription("a newer connection of slave '" + slave.name() + "' took over"));
    }

    @Override
    public void revoke(String reason) {
        gate.fail(Status.PERMISSION_DENIED.withDescription(reason));
    }

    @Override
    public void run() {
        boolean served = false;
        catalog.fetchBegins(entry);
        slave.fetchOpened(this);
        try {
            served = send();
            gate.complete();
        } catch (ReadyGate.EndedException e) {
            LOG.debug("fetch of dump {} by {} ended", entry.id, slave.name());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            gate.fail(Status.UNAVAILABLE.withDescription("the forwarder is stopping"));
        } catch (CorruptDumpException e) {
            giveUp(e);
        } catch (IOException | IllegalArgumentException e) {
            LOG.atWarn().addKeyValue("dump", entry.id).log("Cannot send: {}", e.getMessage());
            gate.fail(Status.UNAVAILABLE.withDescription("the forwarder cannot read the dump: " + e.getMessage()));
        } catch (RuntimeException e) {
            LOG.atError().addKeyValue("dump", entry.id).setCause(e).log("Sending a dump failed");
            gate.fail(Status.INTERNAL.withDescription("sending the dump failed: " + e));
        } finally {
            slave.fetchClosed(this);
            end(served);
        }
    }

    private boolean send() throws IOException, InterruptedException {
        while (!gate.isEnded()) {
            if (entry.state == DumpEntry.State.FAILED) {
                gate.send(DumpPart.newBuilder()
                        .setFailed(entry.error == null ? "the dump is gone" : entry.error)
                        .build());
                return false;
            }
            Optional<StoredDump> stored = catalog.stored(entry);
            if (stored.isEmpty()) {
                catalog.awaitChange(WAIT);
                continue;
            }
            // The state first: a dump that is complete now has no chunk that is not seen below.
            boolean complete = catalog.isComplete(entry);
            int seen = sendChunks(stored.get());
            if (complete) {
                gate.send(DumpPart.newBuilder()
                        .setManifest(stored.get().manifest().toJson())
                        .build());
                return true;
            }
            stored.get().awaitChange(seen, WAIT);
            catalog.awaitChange(Duration.ofMillis(20));
        }
        return false;
    }

    /** Returns the number of chunks there were. */
    private int sendChunks(StoredDump stored) throws IOException {
        if (!draftSent) {
            gate.send(DumpPart.newBuilder()
                    .setDraftManifest(stored.manifest().toJson())
                    .build());
            draftSent = true;
        }
        int seen = 0;
        for (ChunkEntry chunk : stored.chunks()) {
            seen++;
            if (!sent.contains(chunk.number())) {
                if (!granted.getAsBoolean()) {
                    revoke("slave '" + slave.name() + "' is not granted the table of dump " + entry.id + " any more");
                    throw new ReadyGate.EndedException();
                }
                sendChunk(stored, chunk);
                sent.add(chunk.number());
            }
        }
        return seen;
    }

    /** A damaged dump serves nobody: whoever wants the table asks again and gets another one. */
    private void giveUp(CorruptDumpException damage) {
        LOG.atError().addKeyValue("dump", entry.id).log("A cached dump is given up: {}", damage.getMessage());
        try {
            catalog.giveUp(entry.id, damage.getMessage());
        } catch (IOException e) {
            LOG.atWarn().addKeyValue("dump", entry.id).log("Cannot remove it: {}", e.getMessage());
        }
        gate.fail(Status.NOT_FOUND.withDescription(damage.getMessage()));
    }

    private void sendChunk(StoredDump stored, ChunkEntry chunk) throws IOException {
        stored.verify(chunk.number());
        gate.send(DumpPart.newBuilder()
                .setChunk(DumpChunkStart.newBuilder().setNumber(chunk.number()).setEntry(chunk.toJson()))
                .build());
        try (InputStream in = stored.openStored(chunk.number())) {
            byte[] buffer = new byte[SLICE_BYTES];
            for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
                gate.send(DumpPart.newBuilder()
                        .setData(ByteString.copyFrom(buffer, 0, read))
                        .build());
                slave.dumpSent(read);
            }
        }
        gate.send(DumpPart.newBuilder().setChunkEnd(true).build());
    }

    private void end(boolean served) {
        try {
            catalog.fetchEnds(entry, slave.name(), served);
        } catch (IOException e) {
            LOG.atWarn().addKeyValue("dump", entry.id).log("Cannot note who was served: {}", e.getMessage());
        }
    }
}
