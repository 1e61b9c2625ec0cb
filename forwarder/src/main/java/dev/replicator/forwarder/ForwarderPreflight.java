package dev.replicator.forwarder;

import dev.replicator.runtime.Finding;
import dev.replicator.runtime.MachineChecks;
import dev.replicator.runtime.ReplicatorException;
import dev.replicator.runtime.net.Endpoint;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** What keeps a forwarder from doing its work: files, ports, disks. */
public final class ForwarderPreflight {
    private ForwarderPreflight() {}

    /**
     * Checks everything that a forwarder.yaml names.
     *
     * @throws dev.replicator.runtime.config.ConfigException if the file itself is wrong
     */
    public static List<Finding> check(Path file) {
        ForwarderConfig config = ForwarderConfig.load(file);
        List<Finding> findings = new ArrayList<>();
        MachineChecks.listen("listen", config.listen()).ifPresent(findings::add);
        if (config.http() != null) {
            MachineChecks.listen("http", Endpoint.parse(config.http())).ifPresent(findings::add);
        }
        findings.addAll(MachineChecks.directory("queue.directory", config.queueDirectory(), config.queueMaxBytes()));
        findings.addAll(MachineChecks.directory("dumps.directory", config.dumpDirectory(), config.dumpMaxBytes()));
        if (config.tls() != null) {
            MachineChecks.readable("tls.certificate", config.tls().certificate())
                    .ifPresent(findings::add);
            MachineChecks.readable("tls.key", config.tls().key()).ifPresent(findings::add);
            if (config.tls().clientCa() != null) {
                MachineChecks.readable("tls.client-ca", config.tls().clientCa()).ifPresent(findings::add);
            }
        }
        findings.addAll(slaves(config));
        return findings;
    }

    private static List<Finding> slaves(ForwarderConfig config) {
        try {
            Map<String, SlaveFile> slaves = SlaveFiles.load(
                    config.slaves(), Map.of("capture", config.captureToken(), "admin", config.adminToken()));
            return slaves.isEmpty()
                    ? List.of(Finding.note(
                            "slaves", "no slave has a file in " + config.slaves(), "Add NAME.yaml, then admin reload."))
                    : List.of();
        } catch (ReplicatorException e) {
            return List.of(Finding.missing("slaves", e.getMessage(), ""));
        }
    }
}
