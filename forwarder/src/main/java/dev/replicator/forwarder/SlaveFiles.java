package dev.replicator.forwarder;

import dev.replicator.runtime.ErrorCode;
import dev.replicator.runtime.ReplicatorException;
import dev.replicator.runtime.config.ConfigException;
import dev.replicator.runtime.config.Secret;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** Reads a directory of slave files as a whole: either all of them are right, or nothing changes. */
final class SlaveFiles {
    private SlaveFiles() {}

    /**
     * Reads every {@code *.yaml} and {@code *.yml} file.
     *
     * @param taken tokens that are not a slave's, by owner
     * @return the files by slave name
     * @throws ReplicatorException CONFIGURATION with all problems of all files
     */
    static Map<String, SlaveFile> load(Path directory, Map<String, Secret> taken) {
        List<String> problems = new ArrayList<>();
        Map<String, SlaveFile> slaves = new TreeMap<>();
        Map<Secret, String> owners = new HashMap<>();
        taken.forEach((owner, token) -> owners.put(token, owner));
        for (Path file : list(directory)) {
            try {
                SlaveFile slave = SlaveFile.load(file);
                SlaveFile other = slaves.putIfAbsent(slave.slave(), slave);
                if (other != null) {
                    problems.add(file + ": slave: \"" + slave.slave() + "\" is described by " + other.file() + " too");
                }
                String owner = owners.putIfAbsent(slave.token(), "slave " + slave.slave());
                if (owner != null) {
                    problems.add(file + ": token: it is the token of " + owner + " too; give each its own");
                }
            } catch (ConfigException e) {
                e.problems().forEach(problem -> problems.add(file + ": " + problem));
            }
        }
        if (!problems.isEmpty()) {
            throw new ReplicatorException(
                    ErrorCode.CONFIGURATION,
                    "Cannot use the slave files in " + directory + ":\n  " + String.join("\n  ", problems),
                    "Nothing was changed. Mend the files and run 'replicator admin reload'.");
        }
        return slaves;
    }

    private static List<Path> list(Path directory) {
        try (Stream<Path> files = Files.list(directory)) {
            return files.filter(file ->
                            file.toString().endsWith(".yaml") || file.toString().endsWith(".yml"))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new ReplicatorException(
                    ErrorCode.CONFIGURATION,
                    "Cannot read the directory of slave files " + directory + ": " + e,
                    "Create it, or set `slaves` in forwarder.yaml to the directory with one file per slave.",
                    e);
        }
    }
}
