package dev.replicator.forwarder;

import dev.replicator.queue.TableName;
import dev.replicator.queue.TableSelection;
import dev.replicator.runtime.config.ConfigFile;
import dev.replicator.runtime.config.ConfigNode;
import dev.replicator.runtime.config.Secret;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;

/**
 * One file of {@code slaves.d}: who a slave is and which tables it is granted.
 *
 * @param file where it stands
 * @param slave its name
 * @param token its token
 * @param tables its table set; may be empty
 */
record SlaveFile(Path file, String slave, Secret token, TableSelection tables) {
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}");

    /**
     * Reads and checks one file.
     *
     * @throws dev.replicator.runtime.config.ConfigException with every problem in it
     */
    static SlaveFile load(Path file) {
        ConfigNode root = ConfigFile.load(file);
        String slave = root.string("slave");
        if (!slave.isEmpty() && !NAME.matcher(slave).matches()) {
            root.problem("slave", "expected up to 63 letters, digits, '_', '-' or '.', got \"" + slave + "\"");
        }
        Secret token = root.secret("token");
        if (!root.has("tables")) {
            root.problem("tables", "missing; write tables: [] for a slave without tables");
        }
        List<String> tables = patterns(root, "tables");
        List<String> exclude = patterns(root, "exclude");
        root.finish();
        return new SlaveFile(file, slave, token, new TableSelection(tables, exclude));
    }

    private static List<String> patterns(ConfigNode root, String key) {
        List<String> entries = root.strings(key);
        for (String entry : entries) {
            try {
                TableName.parse(entry);
            } catch (IllegalArgumentException e) {
                root.problem(key, e.getMessage() + "; write for example public.orders or public.*");
            }
        }
        return entries;
    }
}
