package dev.replicator.forwarder;

import dev.replicator.queue.Epoch;
import dev.replicator.queue.wire.CaptureStatus;
import dev.replicator.queue.wire.CapturedTable;
import dev.replicator.queue.wire.DumpCancelled;
import dev.replicator.queue.wire.ToCapture;
import java.util.Optional;

/**
 * What the rest of the forwarder sees of capture: whether one is connected, what it said last, and a way to send it
 * orders. Thread-safe.
 */
final class CaptureLink {
    private volatile Connection current;
    private volatile CaptureStatus status;
    private volatile String error;
    private volatile String obstacle;
    private volatile String systemIdentifier = "";
    private volatile Epoch captureEpoch;
    private volatile long connectionNumber;
    private volatile long statusOf;
    private volatile Preparing preparing;

    /** A capture that has no history to stream yet, and what it says. */
    private record Preparing(Connection connection, CaptureStatus status) {}

    /** One connection that was welcomed. */
    interface Connection {
        /** Sends; does nothing when the connection ended. */
        void send(ToCapture message);

        /** Ends it because another one took over. */
        void supersede();
    }

    /**
     * Puts a welcomed connection in force and ends the one before it.
     *
     * @param epoch capture's own, which ours becomes
     */
    void connected(Connection connection, String newSystemIdentifier, Epoch epoch) {
        Connection former;
        synchronized (this) {
            former = current;
            current = connection;
            connectionNumber++;
            systemIdentifier = newSystemIdentifier;
            captureEpoch = epoch;
            error = null;
        }
        if (former != null && former != connection) {
            former.supersede();
        }
    }

    /** A connection ended; its last status is kept for display, and what capture had to say of itself. */
    synchronized void disconnected(Connection connection, String reason) {
        if (preparing != null && preparing.connection() == connection) {
            preparing = null;
        }
        if (current == connection) {
            String lastWords = isReadyForOrders() ? status.getError() : "";
            current = null;
            error = lastWords.isEmpty() ? reason : reason + ": " + lastWords;
        }
    }

    /** Capture was refused: shown until one is welcomed. */
    synchronized void refused(String reason) {
        if (current == null) {
            error = reason;
        }
    }

    boolean isConnected() {
        return current != null;
    }

    /** Sends if a capture is connected. */
    boolean send(ToCapture message) {
        Connection connection = current;
        if (connection == null) {
            return false;
        }
        connection.send(message);
        return true;
    }

    /** Tells capture that nobody wants a dump any more. */
    void cancelDump(String id) {
        send(ToCapture.newBuilder()
                .setCancel(DumpCancelled.newBuilder().setDumpId(id))
                .build());
    }

    /** A report of the connection in force. */
    synchronized void report(Connection connection, CaptureStatus newStatus) {
        if (connection == current) {
            status = newStatus;
            statusOf = connectionNumber;
        }
    }

    /** A report of a capture that only asks: it is about to begin a history and may have to wait for the master. */
    synchronized void reportPreparing(Connection connection, CaptureStatus itsStatus) {
        preparing = new Preparing(connection, itsStatus);
    }

    /** What a capture says that has no history yet; empty while one streams. */
    Optional<CaptureStatus> preparing() {
        Preparing now = preparing;
        return now == null || current != null ? Optional.empty() : Optional.of(now.status());
    }

    /** Counts connections; tells one from the next. */
    long connectionNumber() {
        return connectionNumber;
    }

    /** Whether the connection in force has reported: only then its visible seq is known. */
    boolean isReadyForOrders() {
        return current != null && statusOf == connectionNumber;
    }

    /** Last report, also of a connection that ended. */
    Optional<CaptureStatus> status() {
        return Optional.ofNullable(status);
    }

    /** What the last report said about a table. */
    Optional<CapturedTable> table(String name) {
        CaptureStatus last = status;
        return last == null
                ? Optional.empty()
                : last.getTablesList().stream()
                        .filter(table -> table.getTable().equals(name))
                        .findFirst();
    }

    /** Epoch of the capture connected last; empty until one was. */
    Optional<Epoch> captureEpoch() {
        return Optional.ofNullable(captureEpoch);
    }

    /** Why no capture is connected, or null. */
    String error() {
        return error;
    }

    /** Why taking in waits (disk or budget full), or null. */
    String obstacle() {
        return obstacle;
    }

    void obstacle(String reason) {
        obstacle = reason;
    }

    String systemIdentifier() {
        return systemIdentifier;
    }
}
