package dev.replicator.forwarder;

import dev.replicator.dumps.DumpManifest;
import dev.replicator.dumps.DumpStore;
import dev.replicator.dumps.StoredDump;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

/** The dumps on disk as the catalogue sees them: their manifests. */
interface DumpFiles {
    /** Manifests of all dumps, drafts included, by id. */
    List<DumpManifest> list();

    /** The draft, or the manifest that replaced it. */
    Optional<DumpManifest> find(String id);

    void create(DumpManifest draft) throws IOException;

    void delete(String id) throws IOException;

    long sizeBytes();

    /** A dump with its chunks, for those who write or read it. */
    Optional<StoredDump> stored(String id);

    /** The dumps of a store. */
    static DumpFiles of(DumpStore store) {
        return new DumpFiles() {
            @Override
            public List<DumpManifest> list() {
                return store.list().stream().map(StoredDump::manifest).toList();
            }

            @Override
            public Optional<DumpManifest> find(String id) {
                return store.find(id).map(StoredDump::manifest);
            }

            @Override
            public void create(DumpManifest draft) throws IOException {
                store.create(draft);
            }

            @Override
            public void delete(String id) throws IOException {
                store.delete(id);
            }

            @Override
            public long sizeBytes() {
                return store.sizeBytes();
            }

            @Override
            public Optional<StoredDump> stored(String id) {
                return store.find(id);
            }
        };
    }
}
