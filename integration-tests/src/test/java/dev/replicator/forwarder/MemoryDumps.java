package dev.replicator.forwarder;

import dev.replicator.dumps.DumpManifest;
import dev.replicator.dumps.StoredDump;
import dev.replicator.simulation.TableRows;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Dumps on a forwarder's disk in the model check. */
final class MemoryDumps implements DumpFiles {
    private final Map<String, DumpManifest> manifests = new TreeMap<>();
    private final Map<String, TableRows> rows = new TreeMap<>();

    MemoryDumps copy() {
        MemoryDumps copy = new MemoryDumps();
        copy.manifests.putAll(manifests);
        copy.rows.putAll(rows);
        return copy;
    }

    void complete(DumpManifest manifest, TableRows content) {
        if (manifests.containsKey(manifest.id())) {
            manifests.put(manifest.id(), manifest);
            rows.put(manifest.id(), content);
        }
    }

    /** Null while they have not come. */
    TableRows rows(String id) {
        return rows.get(id);
    }

    @Override
    public List<DumpManifest> list() {
        return List.copyOf(manifests.values());
    }

    @Override
    public Optional<DumpManifest> find(String id) {
        return Optional.ofNullable(manifests.get(id));
    }

    @Override
    public void create(DumpManifest draft) {
        manifests.put(draft.id(), draft);
    }

    @Override
    public void delete(String id) {
        manifests.remove(id);
        rows.remove(id);
    }

    @Override
    public long sizeBytes() {
        return manifests.size();
    }

    @Override
    public Optional<StoredDump> stored(String id) {
        return Optional.empty();
    }
}
