package interop;

import com.unboundid.scim2.client.ScimService;
import jakarta.ws.rs.client.Client;
import jakarta.ws.rs.client.ClientBuilder;
import jakarta.ws.rs.client.ClientRequestFilter;
import org.glassfish.jersey.client.ClientConfig;
import org.glassfish.jersey.client.HttpUrlConnectorProvider;

/**
 * Drives the server at SCIM_URL, over the demo's data, with the UnboundID SCIM 2 SDK. The environment variable
 * SCIM_TOKEN is the bearer token. Exits with 1 if a step fails.
 */
public final class Interop {
  private Interop() {}

  public static void main(String[] args) {
    String url = System.getenv("SCIM_URL");
    Client client = client();
    Client stranger = client();
    String authorization = "Bearer " + System.getenv("SCIM_TOKEN");
    client.register((ClientRequestFilter) request -> request.getHeaders().putSingle("Authorization", authorization));
    ScimService scim = new ScimService(client.target(url));

    Steps steps = new Steps();
    new Discovery(steps, scim, new ScimService(stranger.target(url))).run();
    new Users(steps, scim).run();
    new Groups(steps, scim).run();
    new Issues(steps, scim).run();
    new Accounts(steps, scim).run();
    System.exit(steps.close() ? 0 : 1);
  }

  /** A client that can send PATCH, for which Jersey has to open up HttpURLConnection (--add-opens in interop/run). */
  private static Client client() {
    return ClientBuilder.newClient(new ClientConfig().property(HttpUrlConnectorProvider.SET_METHOD_WORKAROUND, true));
  }
}
