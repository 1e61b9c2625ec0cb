package dev.replicator.it.rules;

import dev.replicator.embedded.Await;
import dev.replicator.embedded.EmbeddedPostgres;
import dev.replicator.embedded.EmbeddedPostgres.StopMode;
import dev.replicator.queue.Position;
import dev.replicator.queue.store.QueueInspector;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/**
 * What lost disks, old backups and rolled back machines are to the daemons: directories that are gone, or as they were.
 * Whoever uses a directory must be stopped; the master is stopped and started here.
 */
final class Disks {
    private final Stage stage;
    private int copies;

    Disks(Stage stage) {
        this.stage = stage;
    }

    /** A backup of the data of {@code capture}, {@code forwarder} or a slave's work directory. */
    Path copyOf(String daemon) throws IOException {
        Path copy = nextCopy();
        Directories.copy(stage.cluster().data(daemon), copy);
        return copy;
    }

    void putBack(String daemon, Path copy) throws IOException {
        Directories.restore(copy, stage.cluster().data(daemon));
    }

    void lose(String daemon) throws IOException {
        Directories.delete(stage.cluster().data(daemon));
    }

    /** A backup of the master's whole data directory, taken while it is down; it runs again afterwards. */
    Path copyOfMaster() throws IOException {
        EmbeddedPostgres master = stage.masterServer();
        Path copy = nextCopy();
        master.stop(StopMode.FAST);
        Directories.copy(master.dataDirectory(), copy);
        master.startAgain();
        return copy;
    }

    /** The master's disk is as it was; it runs. */
    void putMasterBack(Path copy) throws IOException {
        EmbeddedPostgres master = stage.masterServer();
        Path data = master.dataDirectory();
        master.stop(StopMode.FAST);
        var permissions = Files.getPosixFilePermissions(data);
        Directories.restore(copy, data);
        // The server insists on a directory that nobody else can read.
        Files.setPosixFilePermissions(data, permissions);
        master.startAgain();
    }

    /** A look from outside at the queue of {@code capture} or {@code forwarder}, which may be in use. */
    QueueInspector queueOf(String daemon) throws IOException {
        Path data = stage.cluster().data(daemon);
        return QueueInspector.open(daemon.equals("forwarder") ? data.resolve("queue") : data);
    }

    /** Waits until a queue holds transaction {@code seq}, and returns its tail. */
    Position awaitTail(String daemon, long seq) throws IOException {
        Await.until(
                daemon + " holds seq " + seq,
                Duration.ofSeconds(60),
                () -> queueOf(daemon).tail().seq() >= seq);
        return queueOf(daemon).tail();
    }

    private Path nextCopy() {
        return stage.cluster().root().resolve("copy-" + ++copies);
    }
}
