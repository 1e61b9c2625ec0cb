package dev.replicator.dumps;

import java.io.IOException;
import java.nio.file.Path;

/** A file of a dump is not what its manifest or ledger says. Names the file and what to do. */
public final class CorruptDumpException extends IOException {
    private final Path file;

    public CorruptDumpException(Path file, String detail) {
        this(file, detail, null);
    }

    public CorruptDumpException(Path file, String detail, Throwable cause) {
        super(
                "damaged dump file " + file + ": " + detail
                        + "; drop this dump (replicator admin dump drop, or remove its"
                        + " directory while the daemon is stopped), a new one is made when it is needed",
                cause);
        this.file = file;
    }

    public Path file() {
        return file;
    }
}
