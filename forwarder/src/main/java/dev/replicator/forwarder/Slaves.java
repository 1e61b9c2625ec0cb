package dev.replicator.forwarder;

import dev.replicator.queue.Position;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.store.KeyValueStore;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * All configured slaves. Cursors are kept in the queue's values; between two {@link #flush} calls they live in memory,
 * where losing them only makes a slave hold more of the queue.
 *
 * <p>Thread-safe.
 */
final class Slaves {
    private static final Logger LOG = LoggerFactory.getLogger(Slaves.class);
    static final String PREFIX = "slave/";
    private static final String CURSOR = "/cursor/";
    private static final String CONNECTED = "/connected";
    private static final String PAUSED = "/paused";

    private final KeyValueStore values;
    private final ConcurrentSkipListMap<String, Slave> slaves = new ConcurrentSkipListMap<>();
    private volatile Map<String, SlaveFile> files = Map.of();

    Slaves(KeyValueStore values) {
        this.values = values;
    }

    /** Takes over a whole set of files; slaves without one are forgotten, whoever used an old token is shown out. */
    synchronized void reload(Map<String, SlaveFile> newFiles) throws IOException {
        Map<String, SlaveFile> oldFiles = files;
        List<Slave> gone = new ArrayList<>();
        for (String name : Set.copyOf(slaves.keySet())) {
            if (!newFiles.containsKey(name)) {
                LOG.atInfo().addKeyValue("slave", name).log("Its file is gone: the slave is forgotten");
                gone.add(slaves.remove(name));
                forget(name);
            }
        }
        for (String name : newFiles.keySet()) {
            if (!slaves.containsKey(name)) {
                slaves.put(name, restore(name));
            }
        }
        // New calls are judged by the new files from here on; then the open ones are.
        files = Map.copyOf(newFiles);
        for (Slave slave : gone) {
            revoke(slave, "slave '" + slave.name() + "' has no file in slaves.d any more");
        }
        for (Slave slave : slaves.values()) {
            SlaveFile old = oldFiles.get(slave.name());
            if (old != null && !old.token().equals(newFiles.get(slave.name()).token())) {
                LOG.atInfo().addKeyValue("slave", slave.name()).log("Its token has changed: its connections are ended");
                revoke(slave, "the token of slave '" + slave.name() + "' has changed");
            }
        }
    }

    private static void revoke(Slave slave, String reason) {
        slave.openStreams().forEach(stream -> stream.revoke(reason));
    }

    private Slave restore(String name) throws IOException {
        Slave slave = new Slave(name);
        String prefix = PREFIX + name + CURSOR;
        for (Map.Entry<String, String> entry : values.list(prefix).entrySet()) {
            slave.cursor(entry.getKey().substring(prefix.length()), Positions.fromText(entry.getValue()));
        }
        if (values.get(PREFIX + name + CONNECTED).isPresent()) {
            slave.markKnown();
        }
        slave.paused(values.get(PREFIX + name + PAUSED).isPresent());
        slave.takeDirty();
        return slave;
    }

    Optional<Slave> find(String name) {
        return Optional.ofNullable(slaves.get(name));
    }

    Optional<SlaveFile> file(String name) {
        return Optional.ofNullable(files.get(name));
    }

    Map<String, SlaveFile> files() {
        return files;
    }

    /** All slaves by name. */
    Collection<Slave> all() {
        return List.copyOf(slaves.values());
    }

    /** Stores what changed. */
    synchronized void flush() throws IOException {
        for (Slave slave : slaves.values()) {
            if (slave.takeDirty()) {
                store(slave);
            }
        }
    }

    private void store(Slave slave) throws IOException {
        String prefix = PREFIX + slave.name() + CURSOR;
        Map<String, Position> cursors = slave.cursors();
        Set<String> stale = new HashSet<>(values.list(prefix).keySet());
        for (Map.Entry<String, Position> cursor : cursors.entrySet()) {
            values.put(prefix + cursor.getKey(), Positions.toText(cursor.getValue()));
            stale.remove(prefix + cursor.getKey());
        }
        for (String key : stale) {
            values.delete(key);
        }
        if (slave.isKnown()) {
            values.put(PREFIX + slave.name() + CONNECTED, "true");
        }
    }

    /** Makes a slave new: cursors, commands and the note that it was here are deleted. */
    synchronized void forget(String name) throws IOException {
        for (String key : values.list(PREFIX + name + "/").keySet()) {
            values.delete(key);
        }
        if (slaves.containsKey(name)) {
            slaves.put(name, new Slave(name));
        }
    }

    /** Stores whether an operator paused the slave. */
    void pause(Slave slave, boolean paused) throws IOException {
        String key = PREFIX + slave.name() + PAUSED;
        if (paused) {
            values.put(key, "true");
        } else {
            values.delete(key);
        }
        slave.paused(paused);
    }

    /** A table appeared, or came back under another name: says whom a pattern grants it (rule R24). */
    void tableSeen(TableSchema schema) {
        for (SlaveFile file : new TreeMap<>(files).values()) {
            if (file.tables().contains(schema.name())
                    && !file.tables().namedTables().contains(schema.name())) {
                LOG.atInfo()
                        .addKeyValue("slave", file.slave())
                        .addKeyValue("table", schema.name())
                        .log("A pattern in the slave's file grants it this table");
            }
        }
    }
}
