package dev.replicator.slave;

import dev.replicator.embedded.EmbeddedPostgres;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** One server for the class, one database for each test. */
abstract class SlaveITBase {
    private static final AtomicInteger DATABASES = new AtomicInteger();
    private static EmbeddedPostgres server;

    @TempDir
    Path directory;

    SlaveFixture slave;

    @BeforeAll
    static void startServer() throws Exception {
        server = EmbeddedPostgres.start();
    }

    @AfterAll
    static void stopServer() throws Exception {
        server.close();
    }

    @BeforeEach
    void openFixture() throws Exception {
        slave = new SlaveFixture(server, "target" + DATABASES.incrementAndGet(), directory);
    }

    @AfterEach
    void closeFixture() throws Exception {
        slave.close();
    }
}
