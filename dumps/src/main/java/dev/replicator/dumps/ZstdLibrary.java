package dev.replicator.dumps;

import com.github.luben.zstd.util.Native;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Unpacks the native part of the compression library beside the dumps. By itself it goes to /tmp under a new name each
 * time and stays there when the process is killed: a daemon that crashes again and again would fill /tmp.
 */
final class ZstdLibrary {
    private static final Logger LOG = LoggerFactory.getLogger(ZstdLibrary.class);

    private ZstdLibrary() {}

    /** Loads it once for the process; a locked directory, so what an earlier process left there is nobody's. */
    static synchronized void loadFrom(Path directory) throws IOException {
        if (Native.isLoaded()) {
            return;
        }
        removeFrom(directory);
        try {
            Native.load(directory.toFile());
        } catch (LinkageError e) {
            // No room here, or not executable: then it is loaded from /tmp when it is needed.
            LOG.debug("cannot load the compression library from {}", directory, e);
            removeFrom(directory);
        }
    }

    private static void removeFrom(Path directory) throws IOException {
        try (DirectoryStream<Path> unpacked = Files.newDirectoryStream(directory, "libzstd-jni*")) {
            for (Path file : unpacked) {
                Files.delete(file);
            }
        }
    }
}
