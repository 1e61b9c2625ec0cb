package dev.replicator.runtime;

import dev.replicator.runtime.cli.Human;
import dev.replicator.runtime.net.Endpoint;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** What preflight can find out about this machine: directories, disks, ports. Changes nothing. */
public final class MachineChecks {
    private MachineChecks() {}

    /**
     * Checks that a directory is there or can be made, can be written to, and that its disk has room.
     *
     * @param key the configuration's key that names it
     * @param maxBytes what may come to be in it; 0 to ask for no room
     */
    public static List<Finding> directory(String key, Path directory, long maxBytes) {
        Path existing = directory.toAbsolutePath();
        while (existing != null && !Files.exists(existing)) {
            existing = existing.getParent();
        }
        if (existing == null || !Files.isDirectory(existing)) {
            return List.of(Finding.missing(key, directory + " cannot be a directory: " + existing + " is a file", ""));
        }
        if (!Files.isWritable(existing)) {
            String user = System.getProperty("user.name");
            return List.of(Finding.missing(
                    key,
                    "the user " + user + " cannot write to " + existing,
                    "Run this as the user that runs the daemon, or: chown " + user + " " + existing));
        }
        try {
            long room = Files.getFileStore(existing).getUsableSpace();
            if (room < maxBytes) {
                return List.of(Finding.note(
                        key,
                        "the disk of " + directory + " has room for " + Human.bytes(room) + ", max-size is "
                                + Human.bytes(maxBytes),
                        "Make room, or set max-size below it: a full disk stops the daemon, a full budget does not."));
            }
        } catch (IOException e) {
            return List.of(Finding.note(key, "the room on the disk of " + directory + " is not known: " + e, ""));
        }
        return List.of();
    }

    /** Checks that nothing listens where the daemon will. */
    public static Optional<Finding> listen(String key, Endpoint endpoint) {
        try (ServerSocket socket = new ServerSocket()) {
            socket.setReuseAddress(true);
            socket.bind(new InetSocketAddress(endpoint.host(), endpoint.port()));
            return Optional.empty();
        } catch (IOException e) {
            return Optional.of(Finding.missing(
                    key,
                    "cannot listen on " + endpoint + ": " + e.getMessage(),
                    "Unless it is this daemon that runs already: stop what holds the port, or set another one."));
        }
    }

    /** Checks that a file can be read. */
    public static Optional<Finding> readable(String key, Path file) {
        return Files.isReadable(file)
                ? Optional.empty()
                : Optional.of(Finding.missing(
                        key, file + " is not there or cannot be read by " + System.getProperty("user.name"), ""));
    }
}
