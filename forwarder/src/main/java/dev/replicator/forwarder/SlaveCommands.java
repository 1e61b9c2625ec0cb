package dev.replicator.forwarder;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.replicator.queue.store.KeyValueStore;
import dev.replicator.queue.wire.CommandFailure;
import dev.replicator.queue.wire.SlaveCommand;
import dev.replicator.queue.wire.SlaveReport;
import java.io.IOException;
import java.time.Duration;
import java.util.Base64;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Operators' commands to slaves. A command is kept durably until the slave says that it is done, and sent again after
 * every reconnect; slaves know commands they have done by their id.
 *
 * <p>Thread-safe.
 */
final class SlaveCommands {
    private static final String INFIX = "/command/";
    private static final long REPEAT_NANOS = Duration.ofSeconds(10).toNanos();

    private final KeyValueStore values;
    private final AtomicLong sequence = new AtomicLong(System.currentTimeMillis());
    private final Map<String, Channel> channels = new ConcurrentHashMap<>();
    private final Map<String, CompletableFuture<Optional<String>>> outcomes = new ConcurrentHashMap<>();
    private final Map<String, Long> sentNanos = new ConcurrentHashMap<>();

    /** A connected slave. */
    interface Channel {
        /** Returns false when it is gone. */
        boolean send(SlaveCommand command);
    }

    /**
     * A command handed in.
     *
     * @param id names it
     * @param outcome empty when done, or why it failed
     */
    record Pending(String id, CompletableFuture<Optional<String>> outcome) {}

    SlaveCommands(KeyValueStore values) {
        this.values = values;
    }

    /** Keeps a command and sends it if the slave is there. Its id is given here. */
    Pending submit(String slave, SlaveCommand.Builder command) throws IOException {
        // Ids rise with time, also across restarts, so that commands sort in the order they were given.
        String id = String.format(java.util.Locale.ROOT, "c-%015d", sequence.incrementAndGet());
        SlaveCommand complete = command.setId(id).build();
        values.put(key(slave, id), Base64.getEncoder().encodeToString(complete.toByteArray()));
        Pending pending = new Pending(id, new CompletableFuture<>());
        outcomes.put(id, pending.outcome());
        Channel channel = channels.get(slave);
        if (channel != null) {
            send(channel, complete);
        }
        return pending;
    }

    /** Waits for a command's end; null when time is up. */
    Optional<String> await(Pending pending, Duration timeout) throws InterruptedException, TimeoutException {
        try {
            return pending.outcome().get(timeout.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            throw new IllegalStateException("an outcome never fails", e);
        } finally {
            outcomes.remove(pending.id());
        }
    }

    /** A slave connected: everything that waits for it is sent. */
    void connected(String slave, Channel channel) {
        channels.put(slave, channel);
        sendAll(slave, channel, 0);
    }

    void disconnected(String slave, Channel channel) {
        channels.remove(slave, channel);
    }

    /** What the slave has done is deleted; what it was told long ago and has not done is told again. */
    void reported(String slave, SlaveReport report) throws IOException {
        for (String id : report.getDoneCommandsList()) {
            finish(slave, id, Optional.empty());
        }
        for (CommandFailure failure : report.getFailedCommandsList()) {
            finish(slave, failure.getId(), Optional.of(failure.getReason()));
        }
        Channel channel = channels.get(slave);
        if (channel != null) {
            sendAll(slave, channel, REPEAT_NANOS);
        }
    }

    /** Commands not done, by id. */
    Map<String, SlaveCommand> pending(String slave) {
        Map<String, SlaveCommand> pending = new TreeMap<>();
        try {
            for (Map.Entry<String, String> entry :
                    values.list(Slaves.PREFIX + slave + INFIX).entrySet()) {
                SlaveCommand command =
                        SlaveCommand.parseFrom(Base64.getDecoder().decode(entry.getValue()));
                pending.put(command.getId(), command);
            }
        } catch (InvalidProtocolBufferException e) {
            throw new IllegalStateException("a stored command of slave " + slave + " cannot be read", e);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
        return pending;
    }

    private void sendAll(String slave, Channel channel, long olderThanNanos) {
        long now = System.nanoTime();
        for (SlaveCommand command : pending(slave).values()) {
            Long sent = sentNanos.get(command.getId());
            if (sent == null || now - sent >= olderThanNanos) {
                send(channel, command);
            }
        }
    }

    private void send(Channel channel, SlaveCommand command) {
        if (channel.send(command)) {
            sentNanos.put(command.getId(), System.nanoTime());
        }
    }

    private void finish(String slave, String id, Optional<String> failure) throws IOException {
        if (values.get(key(slave, id)).isPresent()) {
            values.delete(key(slave, id));
        }
        sentNanos.remove(id);
        CompletableFuture<Optional<String>> outcome = outcomes.get(id);
        if (outcome != null) {
            outcome.complete(failure);
        }
    }

    private static String key(String slave, String id) {
        return Slaves.PREFIX + slave + INFIX + id;
    }
}
