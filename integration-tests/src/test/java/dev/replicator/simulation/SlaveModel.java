package dev.replicator.simulation;

import dev.replicator.queue.wire.SlaveCommand;
import dev.replicator.slave.DaemonModel;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** A slave: its database and the daemons that believe to be its own. */
final class SlaveModel {
    final String name;
    private final World world;
    private final Witness witness;
    private MemoryDatabase database = MemoryDatabase.empty();
    private final List<DaemonModel> daemons = new ArrayList<>();
    private final Map<String, Runnable> late = new TreeMap<>();
    private MemoryDatabase backup;
    private Witness.Memory backupMemory;
    private int commands;

    SlaveModel(World world, String name) {
        this.world = world;
        this.name = name;
        this.witness = new Witness(world, name);
    }

    MemoryDatabase database() {
        return database;
    }

    Witness witness() {
        return witness;
    }

    void check() {
        witness.check(database);
    }

    DaemonModel leader() {
        return daemons.stream().filter(DaemonModel::leads).findFirst().orElse(null);
    }

    boolean start() {
        if (leader() != null) {
            return false;
        }
        daemons.add(new DaemonModel(world, name, database));
        world.log(name, () -> "a daemon starts");
        return true;
    }

    boolean step(int choice) throws IOException {
        return !daemons.isEmpty() && daemons.get(choice % daemons.size()).step(choice / 2);
    }

    boolean stepAll() throws IOException {
        start();
        return leader().stepAll();
    }

    boolean crash(int choice) {
        if (daemons.isEmpty()) {
            return false;
        }
        daemons.remove(choice % daemons.size()).close();
        world.log(name, () -> "a daemon dies");
        return true;
    }

    /** The server ends the session that holds the lock; the daemon has not noticed. */
    boolean loseLock() {
        if (leader() == null) {
            return false;
        }
        leader().loseLock();
        world.log(name, () -> "the daemon's lock is lost, its lanes go on");
        return true;
    }

    boolean loseConnection(int choice) {
        return !daemons.isEmpty() && daemons.get(choice % daemons.size()).loseConnection(choice / 2, late);
    }

    boolean lateCommit() {
        if (late.isEmpty()) {
            return false;
        }
        late.remove(late.keySet().iterator().next()).run();
        return true;
    }

    boolean flush() {
        if (!database.hasUnflushed()) {
            return false;
        }
        database.flush();
        return true;
    }

    /** The database server dies: all sessions end. */
    boolean crashDatabase() {
        endDaemons();
        database.crash();
        witness.wentBack(database);
        world.log(name, () -> "the database crashes");
        return true;
    }

    boolean backup() {
        backup = database.copy();
        backupMemory = witness.remember();
        world.log(name, () -> "the database is backed up");
        return true;
    }

    boolean restore() {
        if (backup == null) {
            return false;
        }
        endDaemons();
        database = backup.copy();
        witness.recall(backupMemory);
        world.log(name, () -> "the database is restored from its backup");
        return true;
    }

    private void endDaemons() {
        daemons.forEach(DaemonModel::close);
        daemons.clear();
        late.clear();
    }

    /** No zombies any more. */
    void settle() {
        while (lateCommit()) {
            world.log(name, () -> "nothing is late any more");
        }
        for (DaemonModel daemon : List.copyOf(daemons)) {
            if (!daemon.leads()) {
                daemon.close();
                daemons.remove(daemon);
            }
        }
    }

    boolean command(String action, List<String> tables) {
        if (leader() == null || leader().state().main().isEmpty() && action.equals("resync")) {
            return false;
        }
        return leader().command(SlaveCommand.newBuilder()
                .setId("c" + ++commands)
                .setAction(action)
                .addAllTables(tables)
                .build());
    }
}
