package dev.replicator.it.rules;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.it.RecordingProxy;
import dev.replicator.it.rules.TestAuthority.Identity;
import dev.replicator.launcher.local.StatusWait;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** All daemons and the admin command over mutual TLS, and who is not let in by it. */
class TlsIT {
    @TempDir
    static Path directory;

    private static Stage stage;
    private static RecordingProxy proxy;
    private static TestAuthority authority;
    private static TestAuthority stranger;
    private static Identity member;

    @BeforeAll
    static void start() throws Exception {
        authority = new TestAuthority(directory, "authority");
        stranger = new TestAuthority(directory, "stranger");
        member = authority.issue("member");
        Identity server = authority.issue("server");
        stage = Stage.open("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'plain text')");
        stage.defineForwarder(
                "1GiB",
                "tls: {certificate: " + server.certificate() + ", key: " + server.key() + ", client-ca: "
                        + authority.certificate() + "}\n");
        stage.startForwarder();
        stage.cluster()
                .adminOptions(
                        "--tls-ca",
                        authority.certificate().toString(),
                        "--tls-certificate",
                        member.certificate().toString(),
                        "--tls-key",
                        member.key().toString());
        proxy = new RecordingProxy(stage.cluster().address());
        stage.cluster().routeSlavesThrough(proxy.address());
        stage.defineCapture("", "public.*");
        secure("capture.yaml", authority.certificate(), member);
        stage.startCapture();
    }

    @AfterAll
    static void stop() throws Exception {
        stage.close();
        proxy.close();
    }

    @Test
    void shouldReplicateOverMutualTls() throws Exception {
        startSlave("inside", authority.certificate(), member);
        stage.awaitInSync("inside", 1);
        stage.onMaster("INSERT INTO t VALUES (2, 'plain text')");
        stage.assertEqualTables("inside", "public.t");
        assertTrue(proxy.receivedBytes() > 0);
        assertFalse(proxy.received("plain text"), "rows passed in plain text");
        assertFalse(proxy.received("public.t"), "a name passed in plain text");
    }

    @Test
    void shouldNotTrustAForwarderOfAnotherAuthority() throws Exception {
        startSlave("deceived", stranger.certificate(), member);
        String said = stage.log().await("unable to find valid certification path");
        assertTrue(said.contains("lane main"), said);
        assertOutside("deceived");
    }

    @Test
    void shouldNotLetInWhoHasNoCertificate() throws Exception {
        startSlave("nameless", authority.certificate(), null);
        assertRefused("nameless");
    }

    @Test
    void shouldNotLetInWhoseCertificateHasExpired() throws Exception {
        startSlave("expired", authority.certificate(), authority.issueExpired("expired-member"));
        assertRefused("expired");
    }

    private static void assertRefused(String slave) throws Exception {
        stage.log().await("trying again");
        assertOutside(slave);
    }

    private static void assertOutside(String slave) throws Exception {
        assertFalse(
                StatusWait.slaveOf(stage.status(), slave).path("connected").asBoolean(),
                stage.status().toString());
        stage.stopSlave(slave);
    }

    private static void startSlave(String name, Path ca, Identity identity) throws Exception {
        stage.defineSlave(name, "", "public.t");
        secure("slave-" + name + ".yaml", ca, identity);
        stage.startSlave(name);
    }

    /** Puts the TLS section into the file's forwarder section. */
    private static void secure(String file, Path ca, Identity identity) throws Exception {
        Path yaml = stage.cluster().configDirectory().resolve(file);
        String own = identity == null ? "" : ", certificate: " + identity.certificate() + ", key: " + identity.key();
        String text = Files.readString(yaml);
        String secured = text.replaceAll("(forwarder: \\{.*)\\}\\n", "$1, tls: {ca: " + ca + own + "}}\n");
        Files.writeString(yaml, secured);
    }
}
