package dev.replicator.capture;

import dev.replicator.capture.postgres.MasterSettings;
import dev.replicator.queue.TableName;
import dev.replicator.runtime.ErrorCode;
import dev.replicator.runtime.ReplicatorException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Which PostgreSQL servers can be captured. */
final class ServerRequirements {
    private static final int OLDEST = 14;
    /** Minors before these decode with stale caches after DDL: reading the log twice may give two results (rule R06). */
    private static final Map<Integer, Integer> FIRST_SAFE_MINOR = Map.of(14, 18, 15, 13, 16, 9, 17, 5);

    private ServerRequirements() {}

    /**
     * Says what speaks against a server.
     *
     * @param version {@code server_version_num}
     * @return empty when nothing does
     */
    static String defect(int version) {
        int major = version / 10000;
        int minor = version % 10000;
        if (major < OLDEST) {
            return "PostgreSQL " + major + " is not supported: version 14 or later is needed";
        }
        int first = FIRST_SAFE_MINOR.getOrDefault(major, 0);
        return minor >= first
                ? ""
                : "PostgreSQL " + major + "." + minor + " may lose changes around DDL in logical decoding; " + major
                        + "." + first + " or later is needed";
    }

    /** Refuses a server. */
    static void check(int version) {
        String defect = defect(version);
        if (!defect.isEmpty()) {
            throw new ReplicatorException(
                    ErrorCode.CONFIGURATION, defect, "Upgrade the master to a newer minor release.");
        }
    }

    /** Refuses a server or a role without which nothing can ever be read; everything that is missing in one message. */
    static void check(MasterSettings settings, String user) {
        List<String> missing = new ArrayList<>();
        List<String> fixes = new ArrayList<>();
        if (!settings.walLevel().equals("logical")) {
            missing.add("wal_level is " + settings.walLevel() + ", must be logical");
            fixes.add("ALTER SYSTEM SET wal_level = 'logical' and restart the master");
        }
        if (!settings.mayReplicate()) {
            missing.add("role " + user + " lacks REPLICATION");
            fixes.add("ALTER ROLE " + TableName.quote(user) + " REPLICATION");
        }
        if (!missing.isEmpty()) {
            throw new ReplicatorException(
                    ErrorCode.CONFIGURATION,
                    "The master cannot be captured: " + String.join("; ", missing),
                    String.join("; ", fixes) + ". `replicator preflight` lists everything else in one run.");
        }
    }
}
