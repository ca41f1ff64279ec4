package interop;

import static interop.Steps.equal;
import static interop.Steps.refused;

import com.fasterxml.jackson.databind.JsonNode;
import com.unboundid.scim2.client.ScimService;
import com.unboundid.scim2.common.GenericScimResource;
import com.unboundid.scim2.common.exceptions.ResourceNotFoundException;
import com.unboundid.scim2.common.filters.Filter;
import com.unboundid.scim2.common.types.Member;
import java.util.ArrayList;
import java.util.List;

/** IDHub's accounts and entitlements: somebody gets access and loses it. */
final class Accounts {
  private static final String URN = "urn:sath:params:scim:api:confluence:1.0:";
  private static final String NAME = "vera@demo.example";

  private final Steps steps;
  private final ScimService scim;
  private GenericScimResource account;
  private GenericScimResource entitlement;

  Accounts(Steps steps, ScimService scim) {
    this.steps = steps;
    this.scim = scim;
  }

  void run() {
    steps.step("accounts: create, and an entitlement to a group", () -> {
      account = create("Account", new String[][] {{"userName", NAME}, {"email", NAME}, {"displayName", "Vera"}, {"fullName", "Vera Rubin"}});
      entitlement = create("Entitlement", new String[][] {{"type", "GROUP"}, {"displayName", "GROUP~SDK access"}});
      equal(account.getBooleanValue("active"), true);
      equal(entitlement.getStringValue("type"), "GROUP");
    });
    steps.step("accounts: grant", () -> {
      scim.modifyRequest("Accounts", account.getId())
          .addValues("entitlements", new Member().setValue(entitlement.getId())).invoke(GenericScimResource.class);
      equal(granted(), List.of(entitlement.getId()));
    });
    steps.step("accounts: search by userName and entitlement", () -> {
      Filter filter = Filter.and(Filter.eq("userName", NAME), Filter.eq("entitlements.value", entitlement.getId()));
      equal(scim.search("Accounts", filter.toString(), GenericScimResource.class).getTotalResults(), 1);
    });
    steps.step("entitlements: who has it", () -> {
      GenericScimResource held = scim.retrieve("Entitlements", entitlement.getId(), GenericScimResource.class);
      equal(held.getObjectNode().at("/members/0/value").asText(), account.getId());
    });
    steps.step("accounts: revoke", () -> {
      scim.modifyRequest("Accounts", account.getId())
          .removeValues("entitlements[value eq \"" + entitlement.getId() + "\"]").invoke(GenericScimResource.class);
      equal(granted(), List.of());
    });
    steps.step("accounts: disable", () -> {
      scim.modifyRequest("Accounts", account.getId()).replaceValue("active", false).invoke(GenericScimResource.class);
      equal(scim.retrieve(account).getBooleanValue("active"), false);
    });
    steps.step("accounts and entitlements: delete, then 404", () -> {
      scim.delete("Entitlements", entitlement.getId());
      scim.delete("Accounts", account.getId());
      refused(ResourceNotFoundException.class, () -> scim.retrieve("Entitlements", entitlement.getId(), GenericScimResource.class));
      refused(ResourceNotFoundException.class, () -> scim.retrieve("Accounts", account.getId(), GenericScimResource.class));
    });
  }

  private GenericScimResource create(String type, String[][] attributes) throws Exception {
    GenericScimResource draft = new GenericScimResource();
    draft.setSchemaUrns(URN + type);
    for (String[] attribute : attributes) {
      draft.replaceValue(attribute[0], attribute[1]);
    }
    return scim.create(type + "s", draft);
  }

  private List<String> granted() throws Exception {
    List<String> ids = new ArrayList<>();
    for (JsonNode element : scim.retrieve(account).getObjectNode().path("entitlements")) {
      ids.add(element.path("value").asText());
    }
    return ids;
  }
}
