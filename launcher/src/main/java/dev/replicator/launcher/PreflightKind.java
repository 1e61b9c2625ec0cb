package dev.replicator.launcher;

import dev.replicator.capture.CaptureConfig;
import dev.replicator.capture.CapturePreflight;
import dev.replicator.forwarder.ForwarderPreflight;
import dev.replicator.runtime.ErrorCode;
import dev.replicator.runtime.Finding;
import dev.replicator.runtime.ReplicatorException;
import dev.replicator.runtime.config.ConfigFile;
import dev.replicator.slave.SlaveConfig;
import dev.replicator.slave.SlavePreflight;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Which daemon a configuration file is for, and what that daemon needs. */
enum PreflightKind {
    CAPTURE("source") {
        @Override
        List<Finding> check(Path file) {
            CaptureConfig config = CaptureConfig.load(file);
            List<Finding> findings = new ArrayList<>(CapturePreflight.check(config));
            config.forwarder()
                    .flatMap(to -> ForwarderProbe.check(to.address(), to.token(), to.tls()))
                    .ifPresent(findings::add);
            return findings;
        }
    },
    FORWARDER("listen") {
        @Override
        List<Finding> check(Path file) {
            return ForwarderPreflight.check(file);
        }
    },
    SLAVE("target") {
        @Override
        List<Finding> check(Path file) {
            SlaveConfig config = SlaveConfig.load(file);
            List<Finding> findings = new ArrayList<>(SlavePreflight.check(config));
            SlaveConfig.Forwarder to = config.forwarder();
            ForwarderProbe.check(to.address(), to.token(), to.tls()).ifPresent(findings::add);
            return findings;
        }
    };

    /** A key that only this daemon's file has. */
    private final String key;

    PreflightKind(String key) {
        this.key = key;
    }

    String daemon() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Throws {@link dev.replicator.runtime.config.ConfigException} if the file itself is wrong. */
    abstract List<Finding> check(Path file);

    static PreflightKind of(Path file) {
        List<String> keys = ConfigFile.load(file).keys();
        for (PreflightKind kind : values()) {
            if (keys.contains(kind.key)) {
                return kind;
            }
        }
        throw new ReplicatorException(
                ErrorCode.CONFIGURATION,
                "Cannot tell which daemon " + file + " is for",
                "A capture.yaml has the key source, a forwarder.yaml the key listen, a slave.yaml the key target.");
    }
}
