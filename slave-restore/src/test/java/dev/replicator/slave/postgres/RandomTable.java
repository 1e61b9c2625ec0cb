package dev.replicator.slave.postgres;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * A table made at random: what names its rows, what must be unique in it, and statements against it whose values meet often.
 * Column {@code tag} is given once to each row and never changes: what the slave keeps beside a row is compared with it.
 */
final class RandomTable {
    private static final int VALUES = 12;

    /** What names a row on the master, and the key the slave has. */
    private enum Naming {
        KEY("PRIMARY KEY (id)", 'd'),
        PAIR("PRIMARY KEY (a, id)", 'd'),
        NUMBER("PRIMARY KEY (b)", 'd'),
        NOTHING(null, 'f'),
        FULL("PRIMARY KEY (id)", 'f'),
        LATE("PRIMARY KEY (id) DEFERRABLE", 'f'),
        INDEX("UNIQUE (a), PRIMARY KEY (id)", 'i');

        private final String constraint;
        private final char identity;

        Naming(String constraint, char identity) {
            this.constraint = constraint;
            this.identity = identity;
        }
    }

    private static final List<String> UNIQUE = List.of(
            "ALTER TABLE %s.T ADD UNIQUE (a)",
            "ALTER TABLE %s.T ADD UNIQUE (a) DEFERRABLE",
            "ALTER TABLE %s.T ADD UNIQUE (b, act) DEFERRABLE INITIALLY DEFERRED",
            "CREATE UNIQUE INDEX ON %s.T (b)",
            "CREATE UNIQUE INDEX ON %s.T (a) WHERE act",
            "CREATE UNIQUE INDEX ON %s.T (lower(c))",
            "CREATE UNIQUE INDEX ON %s.T (b, lower(c)) WHERE a > 3",
            "ALTER TABLE %s.T ADD EXCLUDE USING gist (r WITH &&)",
            "ALTER TABLE %s.T ADD EXCLUDE USING gist (r WITH &&) WHERE (act) DEFERRABLE",
            "ALTER TABLE %s.T ADD g int GENERATED ALWAYS AS (a * 2) STORED, ADD UNIQUE (g)");

    final String name;
    final char identity;
    private final List<String> ddl = new ArrayList<>();
    private long tags;

    RandomTable(String name, Random random) {
        this.name = name;
        Naming naming = Naming.values()[random.nextInt(Naming.values().length)];
        this.identity = naming.identity;
        ddl.add("CREATE TABLE %s.T (id int NOT NULL, a int NOT NULL, b numeric NOT NULL, c text, act boolean,"
                + " r int4range, tag bigint" + (naming.constraint == null ? "" : ", " + naming.constraint) + ")");
        for (int i = random.nextInt(3); i > 0; i--) {
            String unique = UNIQUE.get(random.nextInt(UNIQUE.size()));
            if (!ddl.contains(unique)) {
                ddl.add(unique);
            }
        }
    }

    /** DDL for both schemas, for a message too. */
    String ddl() {
        return String.join("; ", ddl).replace("%s.T", "%s." + name);
    }

    String statement(Random random) {
        int k = random.nextInt(VALUES);
        int n = random.nextInt(VALUES);
        String row = "WHERE ctid = (SELECT ctid FROM m." + name + " ORDER BY tag OFFSET " + k + " LIMIT 1)";
        String update = "UPDATE m." + name + " SET ";
        return switch (random.nextInt(16)) {
            case 0, 1, 2, 3 -> "INSERT INTO m." + name + " (id, a, b, c, act, r, tag) VALUES (" + k + ", " + n + ", "
                    + number(random) + ", " + text(random) + ", " + random.nextBoolean() + ", " + range(random) + ", "
                    + ++tags + ")";
            case 4 -> update + "id = " + n + " " + row;
            case 5 -> update + "a = " + n + " " + row;
            case 6 -> update + "b = " + number(random) + " " + row;
            case 7 -> update + "c = " + text(random) + " " + row;
            case 8 -> update + "act = NOT act " + row;
            case 9 -> update + "r = " + range(random) + ", id = " + n + " " + row;
            case 10 -> update + "a = " + (VALUES - 1) + " - a";
            case 11 -> update + "act = NOT act, c = upper(c) WHERE a > " + k;
            case 12 -> update + "id = id + 1 WHERE id >= " + n;
            case 13 -> random.nextInt(8) == 0
                    ? "TRUNCATE m." + name
                    : update + "c = " + text(random) + " WHERE a = " + k;
            default -> "DELETE FROM m." + name + " " + row;
        };
    }

    private static String number(Random random) {
        return random.nextInt(VALUES) + List.of("", ".0", ".00").get(random.nextInt(3));
    }

    private static String text(Random random) {
        return random.nextInt(8) == 0
                ? "NULL"
                : List.of("'x", "'X").get(random.nextInt(2)) + random.nextInt(VALUES) + "'";
    }

    private static String range(Random random) {
        int from = random.nextInt(40);
        return random.nextInt(3) == 0 ? "NULL" : "'[" + from + "," + (from + 1 + random.nextInt(3)) + ")'";
    }
}
