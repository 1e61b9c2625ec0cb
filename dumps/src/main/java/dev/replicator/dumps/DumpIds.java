package dev.replicator.dumps;

import java.util.regex.Pattern;

/** Dump ids become directory names and come over the wire: only harmless ones are let in. */
final class DumpIds {
    private static final Pattern ID = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_-]{0,99}");

    private DumpIds() {}

    static String check(String id) {
        if (id == null || !ID.matcher(id).matches()) {
            throw new IllegalArgumentException(
                    "'" + id + "' is not a dump id: expected letters, digits, '-' and '_', at most 100");
        }
        return id;
    }
}
