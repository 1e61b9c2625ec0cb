package dev.replicator.slave.restore;

import dev.replicator.dumps.ChunkEntry;
import dev.replicator.dumps.ChunkReceiver;
import dev.replicator.dumps.DumpManifest;
import dev.replicator.dumps.DumpStore;
import dev.replicator.dumps.StoredDump;
import dev.replicator.queue.Boundary;
import dev.replicator.queue.wire.DumpPart;
import dev.replicator.queue.wire.FetchDumpRequest;
import dev.replicator.queue.wire.SlaveLinkGrpc;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.Context;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import java.io.IOException;
import java.util.Iterator;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * Fetches one dump into the work directory, chunk by chunk, also while it is still being made. Chunks that are here, or
 * loaded already, are not sent again. Used by one thread.
 */
final class DumpDownload {
    private final Channel channel;
    private final String slave;
    private final DumpStore store;
    private final String dumpId;

    /** Gets what arrives. */
    interface Receiver {
        /** Definition and boundary are known. Called once, before any chunk. */
        void begins(StoredDump dump) throws IOException;

        /** A whole, checked chunk is on disk. */
        void chunk(StoredDump dump, ChunkEntry entry) throws IOException;
    }

    /** The dump will never be complete; another one has to be asked for. */
    static final class DumpGoneException extends IOException {
        private static final long serialVersionUID = 1L;

        DumpGoneException(String reason) {
            super(reason);
        }
    }

    DumpDownload(Channel channel, String slave, DumpStore store, String dumpId) {
        this.channel = channel;
        this.slave = slave;
        this.store = store;
        this.dumpId = dumpId;
    }

    /**
     * Downloads what is missing.
     *
     * @param loaded chunks that need not come, not even if they are not on disk
     * @return the final manifest
     * @throws StatusRuntimeException when the connection broke: begin again later
     */
    DumpManifest run(Set<Integer> loaded, Receiver receiver) throws IOException {
        Optional<StoredDump> held = store.find(dumpId);
        Set<Integer> have = new TreeSet<>(loaded);
        if (held.isPresent()) {
            receiver.begins(held.get());
            for (ChunkEntry entry : held.get().chunks()) {
                have.add(entry.number());
                if (!loaded.contains(entry.number())) {
                    receiver.chunk(held.get(), entry);
                }
            }
        }
        FetchDumpRequest request = FetchDumpRequest.newBuilder()
                .setSlave(slave)
                .setDumpId(dumpId)
                .addAllChunksHeld(have)
                .build();
        Context.CancellableContext context = Context.current().withCancellation();
        Context previous = context.attach();
        try {
            Iterator<DumpPart> parts = ClientCalls.blockingServerStreamingCall(
                    channel, SlaveLinkGrpc.getFetchDumpMethod(), CallOptions.DEFAULT, request);
            return receive(parts, held.orElse(null), receiver);
        } finally {
            // Also frees the call when it was left in the middle.
            context.detach(previous);
            context.cancel(null);
        }
    }

    private DumpManifest receive(Iterator<DumpPart> parts, StoredDump held, Receiver receiver) throws IOException {
        StoredDump dump = held;
        ChunkReceiver chunk = null;
        try {
            while (parts.hasNext()) {
                DumpPart part = parts.next();
                switch (part.getMessageCase()) {
                    case DRAFT_MANIFEST -> dump = begin(dump, DumpManifest.fromJson(part.getDraftManifest()), receiver);
                    case CHUNK -> chunk = begun(dump)
                            .receive(ChunkEntry.fromJson(part.getChunk().getEntry()));
                    case DATA -> begun(chunk).write(part.getData().asReadOnlyByteBuffer());
                    case CHUNK_END -> {
                        begun(chunk).finish();
                        receiver.chunk(dump, chunk.entry());
                        chunk = null;
                    }
                    case MANIFEST -> {
                        return DumpManifest.fromJson(part.getManifest());
                    }
                    case FAILED -> throw new DumpGoneException(part.getFailed());
                    case MESSAGE_NOT_SET -> throw new IOException("an empty part of dump " + dumpId + " came");
                }
            }
            throw new IOException("the forwarder ended dump " + dumpId + " without its manifest");
        } finally {
            if (chunk != null) {
                chunk.close();
            }
        }
    }

    private StoredDump begin(StoredDump held, DumpManifest offered, Receiver receiver) throws IOException {
        if (held != null) {
            requireSameSnapshot(dumpId, held.manifest().boundary(), offered.boundary());
            return held;
        }
        // What a crash left of it is no dump, but in the way.
        store.delete(dumpId);
        StoredDump dump = store.create(draftOf(offered));
        receiver.begins(dump);
        return dump;
    }

    /**
     * A forwarder that lost what it knew gives ids anew: what was loaded under one must not be mixed with another dump
     * of that name.
     */
    private static void requireSameSnapshot(String dumpId, Boundary begun, Boundary offered) throws DumpGoneException {
        if (!begun.equals(offered)) {
            throw new DumpGoneException(
                    "dump " + dumpId + " is another one than the dump of that id whose restore began"
                            + " (the forwarder has lost its index meanwhile)");
        }
    }

    /** A complete dump is stored here as running until all its chunks are. */
    private static DumpManifest draftOf(DumpManifest manifest) {
        return DumpManifest.draft(
                new DumpManifest.Identity(manifest.id(), manifest.group(), manifest.cluster(), manifest.epoch()),
                manifest.schema(),
                manifest.definition(),
                manifest.boundary(),
                manifest.snapshot());
    }

    private <T> T begun(T started) throws IOException {
        if (started == null) {
            throw new IOException("parts of dump " + dumpId + " came in the wrong order");
        }
        return started;
    }
}
