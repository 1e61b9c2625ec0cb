package dev.replicator.runtime;

import java.nio.file.Path;

/** Reads a configuration file and makes the daemon it describes, without starting anything. */
@FunctionalInterface
public interface DaemonFactory {
    /** Throws {@link ReplicatorException} with {@link ErrorCode#CONFIGURATION} if the file is wrong. */
    Daemon create(Path config) throws Exception;
}
