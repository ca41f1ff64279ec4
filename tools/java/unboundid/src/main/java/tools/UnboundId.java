package tools;

import static tools.Session.GROUP;
import static tools.Session.USER;
import static tools.Session.change;
import static tools.Session.step;

import com.unboundid.scim2.client.ScimService;
import com.unboundid.scim2.common.messages.ListResponse;
import com.unboundid.scim2.common.types.Email;
import com.unboundid.scim2.common.types.GroupResource;
import com.unboundid.scim2.common.types.Member;
import com.unboundid.scim2.common.types.Name;
import com.unboundid.scim2.common.types.UserResource;
import jakarta.ws.rs.client.ClientBuilder;
import jakarta.ws.rs.client.ClientRequestFilter;
import java.util.List;
import org.glassfish.jersey.client.ClientConfig;
import org.glassfish.jersey.client.HttpUrlConnectorProvider;

public final class UnboundId {
  private static UserResource user;
  private static GroupResource group;

  public static void main(String[] arguments) {
    ClientConfig config = new ClientConfig().property(HttpUrlConnectorProvider.SET_METHOD_WORKAROUND, true) // for PATCH
        .register((ClientRequestFilter) request -> request.getHeaders().putSingle("Authorization", "Bearer " + Session.TOKEN));
    ScimService scim = new ScimService(ClientBuilder.newClient(config).target(Session.URL));
    change("create", () -> {
      scim.getServiceProviderConfig();
      user = scim.create("Users", new UserResource().setUserName(USER).setDisplayName("Ann Tool").setActive(true)
          .setName(new Name().setGivenName("Ann").setFamilyName("Tool")).setEmails(new Email().setValue(USER).setPrimary(true)));
    });
    step("read", () -> scim.retrieve("Users", user.getId(), UserResource.class).getUserName());
    step("list", () -> {
      int seen = 0;
      for (int total = 1; seen < total; ) {
        ListResponse<UserResource> page = scim.searchRequest("Users").page(seen + 1, 50).invoke(UserResource.class);
        total = page.getTotalResults();
        seen += page.getResources().size();
      }
      return seen;
    });
    step("filter", () -> scim.search("Users", "userName eq \"" + USER + "\"", UserResource.class).getResources().stream().map(UserResource::getId).toList());
    change("change", () -> scim.modifyRequest("Users", user.getId()).replaceValue("displayName", "Ann Changed").invoke(UserResource.class));
    change("disable", () -> scim.modifyRequest("Users", user.getId()).replaceValue("active", false).invoke(UserResource.class));
    change("enable", () -> scim.replace(scim.retrieve("Users", user.getId(), UserResource.class).setActive(true)));
    change("group", () -> group = scim.create("Groups", new GroupResource().setDisplayName(GROUP)));
    change("join", () -> scim.modifyRequest("Groups", group.getId()).addValues("members", List.of(new Member().setValue(user.getId()))).invoke(GroupResource.class));
    change("leave", () -> scim.modifyRequest("Groups", group.getId()).removeValues("members[value eq \"" + user.getId() + "\"]").invoke(GroupResource.class));
    change("ungroup", () -> scim.delete("Groups", group.getId()));
    change("delete", () -> scim.delete("Users", user.getId()));
    Session.end();
  }
}
